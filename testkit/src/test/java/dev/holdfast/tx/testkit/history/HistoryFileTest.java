package dev.holdfast.tx.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.testkit.history.SimulatedDatabase.Level;
import dev.holdfast.tx.testkit.history.Workload.Mode;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HistoryFileTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource
    void whatIsSavedIsReadAgain(Mode mode) throws IOException {
        History history = SimulatedDatabase.run(Level.SNAPSHOT, mode, 42, 2_000, 0.05);
        Path file = HistoryFile.save(history, folder.resolve("new"), "42");
        assertThat(file.getFileName()).hasToString("history-42.jsonl.gz");
        assertThat(HistoryFile.read(file)).isEqualTo(history);
    }

    @Test
    void anyTextIsKept() throws IOException {
        History history = new History(-1, "a \"quote\", a \\, a \n and an é", List.of());
        assertThat(HistoryFile.read(HistoryFile.save(history, folder, "text"))).isEqualTo(history);
    }

    @Test
    void theLinesAreAsDocumented() throws IOException {
        Path file = HistoryFile.save(sample(), folder, "sample");
        try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("""
                            {"format":1,"seed":0,"about":"written by hand"}
                            {"id":1,"session":1,"began":2,"ended":3,"status":"OK","ops":[["r",5,0],["w",5,17]]}
                            {"id":2,"session":2,"began":4,"ended":5,"status":"FAILED","ops":[["l",6,[]],["a",6,19]]}
                            {"id":3,"session":3,"began":6,"ended":7,"status":"UNKNOWN","ops":[["l",6,[17,18]]]}
                            {"id":4,"session":-1,"began":8,"ended":9,"status":"OK","ops":[["r",5,17]]}
                            """);
        }
    }

    private static History sample() {
        return new Written()
                .ok(Op.read(5, 0), Op.write(5, 17))
                .failed(Op.readList(6), Op.append(6, 19))
                .unknown(Op.readList(6, 17, 18))
                .finallyRead(Op.read(5, 17))
                .history();
    }

    @Test
    void ednIsWrittenAsJepsenDoes() throws IOException {
        assertThat(Files.readString(HistoryFile.saveEdn(sample(), folder, "sample")))
                .isEqualTo("""
                        {:index 0, :time 2, :type :invoke, :process 1, :f :txn, :value [[:r 5 nil] [:w 5 17]]}
                        {:index 1, :time 3, :type :ok, :process 1, :f :txn, :value [[:r 5 nil] [:w 5 17]]}
                        {:index 2, :time 4, :type :invoke, :process 2, :f :txn, :value [[:r 6 nil] [:append 6 19]]}
                        {:index 3, :time 5, :type :fail, :process 2, :f :txn, :value [[:r 6 nil] [:append 6 19]]}
                        {:index 4, :time 6, :type :invoke, :process 3, :f :txn, :value [[:r 6 nil]]}
                        {:index 5, :time 7, :type :info, :process 3, :f :txn, :value [[:r 6 nil]]}
                        {:index 6, :time 8, :type :invoke, :process 1000000, :f :txn, :value [[:r 5 nil]]}
                        {:index 7, :time 9, :type :ok, :process 1000000, :f :txn, :value [[:r 5 17]]}
                        """);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "{\"format\":2,\"seed\":0,\"about\":\"\"}",
                "{\"format\":1,\"seed\":0,\"about\":\"\"",
                "{\"format\":1,\"seed\":0,\"about\":\"\"}\n{}",
                "{\"format\":1,\"seed\":0,\"about\":\"\"}\n"
                        + "{\"id\":1,\"session\":0,\"began\":1,\"ended\":2,\"status\":\"FINE\",\"ops\":[]}",
                "{\"format\":1,\"seed\":0,\"about\":\"\"}\n"
                        + "{\"id\":01,\"session\":0,\"began\":1,\"ended\":2,\"status\":\"OK\",\"ops\":[]}",
                "{\"format\":1,\"seed\":0,\"about\":\"\"}\n"
                        + "{\"id\":9999999999,\"session\":0,\"began\":1,\"ended\":2,\"status\":\"OK\",\"ops\":[]}",
                "{\"format\":1,\"seed\":0,\"about\":\"\"}\n"
                        + "{\"id\":1,\"session\":0,\"began\":1,\"ended\":2,\"status\":\"OK\",\"ops\":[[\"x\",1,2]]}"
            })
    void anythingElseIsRefusedWithItsLine(String text) throws IOException {
        Path file = folder.resolve("other.gz");
        try (Writer out =
                new OutputStreamWriter(new GZIPOutputStream(Files.newOutputStream(file)), StandardCharsets.UTF_8)) {
            out.write(text);
        }
        int line = text.contains("\n") ? 2 : 1;
        assertThatThrownBy(() -> HistoryFile.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("other.gz, line " + line + ": ");
    }
}
