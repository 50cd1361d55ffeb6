package dev.holdfast.tx.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.function.ToDoubleFunction;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the benchmark for each scenario and target, several rounds, and prints a table. Arguments are JMH's ({@code -wi},
 * {@code -i}, {@code -p target=H2} …). System properties: {@code rounds}, and {@code into}, a Markdown file whose part
 * between {@value #START} and {@value #END} becomes the table.
 */
public final class Comparison {
    private static final String START = "<!-- written by the command above -->";
    private static final String END = "<!-- end -->";

    /** What a transaction cost in one round, by hand and with Holdfast. */
    private record Cost(double nanosByHand, double nanosHoldfast, double bytesByHand, double bytesHoldfast) {
        double ratio() {
            return nanosHoldfast / nanosByHand;
        }
    }

    private final CommandLineOptions given;
    private final int rounds = Integer.getInteger("rounds", 5);
    private final Map<String, List<Cost>> costs = new LinkedHashMap<>();

    private Comparison(CommandLineOptions given) {
        this.given = given;
    }

    /** Called by the build's profile {@code bench}. */
    public static void main(String[] arguments)
            throws RunnerException, CommandLineOptionException, IOException, SQLException {
        Comparison comparison = new Comparison(new CommandLineOptions(arguments));
        comparison.run();
        String table = comparison.table();
        System.out.println(table);
        String into = System.getProperty("into", "");
        if (!into.isEmpty()) {
            write(Path.of(into), table);
        }
    }

    private void run() throws RunnerException {
        for (int round = 1; round <= rounds; round++) {
            for (RunResult result : new Runner(options()).run()) {
                Cost cost = new Cost(
                        perTransaction(result, "nanosByHand"),
                        perTransaction(result, "nanosHoldfast"),
                        perTransaction(result, "bytesByHand"),
                        perTransaction(result, "bytesHoldfast"));
                String row = Scenario.valueOf(result.getParams().getParam("scenario"))
                                .title() + " | "
                        + Target.valueOf(result.getParams().getParam("target")).title();
                costs.computeIfAbsent(row, key -> new ArrayList<>()).add(cost);
                System.out.println("round " + round + " of " + rounds + ", " + row + ": " + cost);
            }
        }
    }

    private Options options() {
        return new OptionsBuilder()
                .parent(given)
                .include(TransactionBenchmark.class.getName())
                .verbosity(VerboseMode.SILENT)
                .build();
    }

    private static double perTransaction(RunResult result, String counter) {
        return score(result, counter) / score(result, "transactions");
    }

    private static double score(RunResult result, String counter) {
        return Objects.requireNonNull(result.getSecondaryResults().get(counter), counter)
                .getScore();
    }

    private String table() throws SQLException {
        StringBuilder text = new StringBuilder();
        text.append(
                "| scenario | on | by hand | Holdfast | ratio (lowest to highest) | bytes by hand | bytes more |\n");
        text.append("|---|---|---:|---:|---:|---:|---:|\n");
        costs.forEach((row, measured) -> text.append(String.format(
                Locale.ROOT,
                "| %s | %,.0f ns | %,.0f ns | %.2f (%.2f to %.2f) | %,.0f | %+,.0f |%n",
                row,
                median(measured, Cost::nanosByHand),
                median(measured, Cost::nanosHoldfast),
                median(measured, Cost::ratio),
                measured.stream().mapToDouble(Cost::ratio).min().orElseThrow(),
                measured.stream().mapToDouble(Cost::ratio).max().orElseThrow(),
                median(measured, Cost::bytesByHand),
                median(measured, cost -> cost.bytesHoldfast() - cost.bytesByHand()))));
        return text.append('\n').append(surroundings()).toString();
    }

    private static double median(List<Cost> measured, ToDoubleFunction<Cost> of) {
        double[] sorted = measured.stream().mapToDouble(of).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** What the numbers depend on, without naming the machine. */
    private String surroundings() throws SQLException {
        StringJoiner text = new StringJoiner("; ", "", ".");
        text.add("Medians of " + rounds + " rounds");
        text.add(System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
        text.add(System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors, shared");
        for (Target target : List.of(Target.H2, Target.SQLITE)) {
            try (HikariDataSource pool = target.pool();
                    Connection connection = pool.getConnection()) {
                DatabaseMetaData data = connection.getMetaData();
                text.add(data.getDatabaseProductName() + " " + data.getDatabaseProductVersion() + " ("
                        + data.getDriverName() + " " + data.getDriverVersion() + ")");
            }
        }
        return text.toString();
    }

    private static void write(Path document, String table) throws IOException {
        String before = Files.readString(document);
        int start = before.indexOf(START);
        int end = before.indexOf(END);
        if (start < 0 || end < start) {
            throw new IllegalStateException(document + " has no " + START + " and " + END);
        }
        Files.writeString(
                document,
                before.substring(0, start + START.length()) + "\n\n" + table + "\n\n" + before.substring(end));
    }
}
