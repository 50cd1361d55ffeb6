package dev.holdfast.tx.testkit.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of reports, when several runs write into one folder. */
class ReportFilesTest {
    private static final int REPORTS = 25;

    /** Another build: writes reports into the folder it is given. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] arguments) {
            write(arguments[0], Path.of(arguments[1]));
        }

        static void write(String name, Path folder) {
            for (int i = 0; i < REPORTS; i++) {
                ReportFiles.notRun(name + i, "There is none here.", "JUnit Jupiter", folder);
            }
        }
    }

    @TempDir
    Path folder;

    @Test
    void theIndexHasWhatThreadsAndJvmsWriteSideBySide() throws Exception {
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        "jvm",
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("other.txt").toFile())
                .start();
        try {
            waitForFirst(other);
            CompletableFuture<Void> thread = CompletableFuture.runAsync(() -> Writer.write("thread", folder));
            Writer.write("test", folder);
            thread.get(1, TimeUnit.MINUTES);
            assertThat(other.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(other.exitValue())
                    .as(Files.readString(folder.resolve("other.txt")))
                    .isZero();
        } finally {
            other.destroyForcibly();
        }

        List<String> rows = Files.readAllLines(folder.resolve("index.md")).stream()
                .filter(line -> line.startsWith("| not run"))
                .toList();
        assertThat(rows).hasSize(3 * REPORTS);
        IntStream.range(0, REPORTS)
                .forEach(i -> assertThat(rows)
                        .anyMatch(row -> row.contains("[jvm" + i + "-") || row.contains("[jvm" + i + "]")));
    }

    /** So that both write at a time. */
    private void waitForFirst(Process other) throws IOException {
        File index = folder.resolve("index.md").toFile();
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (!index.exists() && other.isAlive() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertThat(index).as(Files.readString(folder.resolve("other.txt"))).exists();
    }
}
