package dev.holdfast.tx.testkit.report;

import dev.holdfast.tx.testkit.Suite;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes a report: {@code <server>-<version>.json}, {@code .md}, {@code .html} and {@code .svg}, the badge, into
 * {@code target/conformance} or the folder that {@code -Dholdfast.reports} names; and {@code index.md}, over all reports there.
 */
public final class ReportFiles {
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
        try {
            Files.createDirectories(folder);
            String file = Report.fileName(name, frontEnd);
            Files.writeString(folder.resolve(file + ".json"), JsonReport.notRun(name, why, frontEnd));
            Path document =
                    Files.writeString(folder.resolve(file + ".md"), "# %s\n\nNot run. %s\n".formatted(name, why));
            ReportIndex.write(folder);
            return document;
        } catch (IOException e) {
            throw new UncheckedIOException("The report could not be written into " + folder, e);
        }
    }

    static Path folder() {
        return Path.of(System.getProperty("holdfast.reports", "target/conformance"));
    }

    static Path write(Report report, Path folder) {
        try {
            Files.createDirectories(folder);
            String name = report.fileName();
            Files.writeString(folder.resolve(name + ".json"), JsonReport.of(report));
            Files.writeString(folder.resolve(name + ".md"), MarkdownReport.of(report));
            Files.writeString(folder.resolve(name + ".svg"), Badge.of(report));
            Path page = Files.writeString(folder.resolve(name + ".html"), HtmlReport.of(report));
            ReportIndex.write(folder);
            return page;
        } catch (IOException e) {
            throw new UncheckedIOException("The report could not be written into " + folder, e);
        }
    }
}
