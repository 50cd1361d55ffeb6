package dev.holdfast.tx.testkit.report;

import dev.holdfast.tx.testkit.Suite;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes a report: {@code <server>-<version>.json}, {@code .md}, {@code .html} and {@code .svg}, the badge, into
 * {@code target/conformance} or the folder that {@code -Dholdfast.reports} names; and {@code index.md}, over all reports there.
 */
public final class ReportFiles {
    /** Held while a report is written: builds run suites side by side, and each of them makes the index from all reports. */
    private static final Path LOCK = Path.of(
            System.getProperty("java.io.tmpdir"), "holdfast-reports-" + System.getProperty("user.name") + ".lock");

    /** Writes files into a folder. */
    @FunctionalInterface
    private interface Writing {
        Path into(Path folder) throws IOException;
    }

    private ReportFiles() {}

    /**
     * Writes what a run has found.
     *
     * @param suite that was run
     * @param frontEnd that ran it
     * @return the page
     * @throws UncheckedIOException if a file cannot be written
     */
    public static Path write(Suite suite, String frontEnd) {
        return write(Report.of(suite, frontEnd), folder());
    }

    /**
     * Writes that nothing was run: {@code <name>.json} and {@code .md}.
     *
     * @param name of the database under test
     * @param why it was not run
     * @param frontEnd that would have run it
     * @return the document in Markdown
     * @throws UncheckedIOException if a file cannot be written
     */
    public static Path notRun(String name, String why, String frontEnd) {
        return notRun(name, why, frontEnd, folder());
    }

    static Path notRun(String name, String why, String frontEnd, Path folder) {
        return alone(folder, into -> {
            String file = Report.fileName(name, frontEnd);
            Files.writeString(into.resolve(file + ".json"), JsonReport.notRun(name, why, frontEnd));
            return Files.writeString(into.resolve(file + ".md"), "# %s\n\nNot run. %s\n".formatted(name, why));
        });
    }

    static Path folder() {
        return Path.of(System.getProperty("holdfast.reports", "target/conformance"));
    }

    static Path write(Report report, Path folder) {
        return alone(folder, into -> {
            String name = report.fileName();
            Files.writeString(into.resolve(name + ".json"), JsonReport.of(report));
            Files.writeString(into.resolve(name + ".md"), MarkdownReport.of(report));
            Files.writeString(into.resolve(name + ".svg"), Badge.of(report));
            return Files.writeString(into.resolve(name + ".html"), HtmlReport.of(report));
        });
    }

    /** With nobody else writing a report, neither in this JVM nor in another one; and the index after it. */
    private static synchronized Path alone(Path folder, Writing writing) {
        try (FileChannel lock = FileChannel.open(LOCK, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            lock.lock(); // until the channel is closed
            Files.createDirectories(folder);
            Path written = writing.into(folder);
            ReportIndex.write(folder);
            return written;
        } catch (IOException e) {
            throw new UncheckedIOException("The report could not be written into " + folder, e);
        }
    }
}
