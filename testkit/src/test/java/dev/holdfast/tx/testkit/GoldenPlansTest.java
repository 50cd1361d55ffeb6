package dev.holdfast.tx.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.TxUnsupportedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Golden files are compared line by line, and written only when asked for. */
class GoldenPlansTest {
    @TempDir
    Path folder;

    private @Nullable String asRun;

    @BeforeEach
    void doNotUpdate() {
        asRun = System.clearProperty(GoldenPlans.PROPERTY);
    }

    @AfterEach
    void asItWasRun() {
        System.clearProperty(GoldenPlans.PROPERTY);
        if (asRun != null) {
            System.setProperty(GoldenPlans.PROPERTY, asRun);
        }
    }

    private Path golden(String text) throws IOException {
        return Files.writeString(folder.resolve("golden.txt"), text);
    }

    private static GoldenPlans twoLines(Path file) {
        return GoldenPlans.at(file).section("a server").entry("plain: {}", () -> "begin:  A\ncommit: B");
    }

    @Test
    void whatIsTheSamePasses() throws IOException {
        Path file = golden("== a server\n\nplain: {}\n  begin:  A\n  commit: B\n");

        assertThatCode(twoLines(file)::verify).doesNotThrowAnyException();
    }

    @Test
    void theFirstLineThatDiffersIsNamed() throws IOException {
        Path file = golden("== a server\n\nplain: {}\n  begin:  A\n  commit: C\n");

        assertThatThrownBy(twoLines(file)::verify)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("line 5, below 'plain: {}'")
                .hasMessageContaining("is in the file:   commit: C")
                .hasMessageContaining("is made now:      commit: B");
    }

    @Test
    void whatIsNotMadeAnyMoreIsMissed() throws IOException {
        Path file = golden("== a server\n\nplain: {}\n  begin:  A\n  commit: B\n\nmore: {}\n");

        assertThatThrownBy(twoLines(file)::verify).hasMessageContaining("is made now:    (the end)");
    }

    @Test
    void aMissingFileIsNotWritten() {
        Path file = folder.resolve("missing.txt");

        assertThatThrownBy(twoLines(file)::verify).hasMessageContaining("-Dholdfast.golden=update");
        assertThat(file).doesNotExist();
    }

    @Test
    void aFileIsWrittenWhenAskedFor() throws IOException {
        System.setProperty(GoldenPlans.PROPERTY, "update");
        Path file = folder.resolve("new/golden.txt");
        twoLines(file).verify();

        assertThat(file).hasContent("== a server\n\nplain: {}\n  begin:  A\n  commit: B\n");
    }

    @Test
    void aRefusalIsWrittenDown() throws IOException {
        Path file = golden("marker: {}\n  refused: ask for something else\n");

        assertThatCode(GoldenPlans.at(file).entry("marker: {}", () -> {
                    throw new TxUnsupportedException("ask for something else");
                })::verify)
                .doesNotThrowAnyException();
    }

    @Test
    void anEntryIsUniqueInItsSection() throws IOException {
        GoldenPlans golden = twoLines(golden(""));

        assertThatThrownBy(() -> golden.entry("plain: {}", () -> "")).isInstanceOf(IllegalArgumentException.class);
        assertThatCode(() -> golden.section("another").entry("plain: {}", () -> ""))
                .doesNotThrowAnyException();
    }
}
