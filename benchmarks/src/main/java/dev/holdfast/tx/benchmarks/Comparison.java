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
import java.util.StringJoiner;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs each scenario by hand and with Holdfast, one right after the other, several rounds, and prints a table. On a
 * machine that does other things as well, neighbours in time are comparable and the rest is not: so the ratio is the
 * median of the rounds' ratios.
 *
 * <p>Arguments are JMH's ({@code -wi}, {@code -i}, {@code -p target=H2} …). System properties: {@code rounds},
 * {@code scenarios} (a comma between), and {@code into}, a Markdown file whose part between {@value #START} and
 * {@value #END} becomes the table.
 */
public final class Comparison {
    private static final String START = "<!-- table: written by the command above -->";
    private static final String END = "<!-- end of table -->";
    private static final String SCENARIOS = "plain,readOnly,nested,joined,fiveHooks";

    /** One measurement. */
    private record Cost(double nanos, double bytes) {}

    private final String[] arguments;
    private final int rounds = Integer.getInteger("rounds", 5);
    private final Map<String, List<Cost>> byHand = new LinkedHashMap<>();
    private final Map<String, List<Cost>> holdfast = new LinkedHashMap<>();

    private Comparison(String[] arguments) {
        this.arguments = arguments;
    }

    /** Called by the build's profile {@code bench}. */
    public static void main(String[] arguments)
            throws RunnerException, CommandLineOptionException, IOException, SQLException {
        Comparison comparison = new Comparison(arguments);
        comparison.run();
        String table = comparison.table();
        System.out.println(table);
        String into = System.getProperty("into", "");
        if (!into.isEmpty()) {
            write(Path.of(into), table);
        }
    }

    private void run() throws RunnerException, CommandLineOptionException {
        CommandLineOptions given = new CommandLineOptions(arguments);
        String[] scenarios = System.getProperty("scenarios", SCENARIOS).split(",", -1);
        List<String> targets = new ArrayList<>(given.getParameter("target").orElse(List.of()));
        if (targets.isEmpty()) {
            for (Target target : Target.values()) {
                targets.add(target.name());
            }
        }
        for (int round = 1; round <= rounds; round++) {
            for (String target : targets) {
                for (String scenario : scenarios) {
                    String row = scenario + "|" + Target.valueOf(target).title();
                    Cost one = measure(given, target, scenario + "ByHand");
                    Cost other = measure(given, target, scenario + "Holdfast");
                    byHand.computeIfAbsent(row, key -> new ArrayList<>()).add(one);
                    holdfast.computeIfAbsent(row, key -> new ArrayList<>()).add(other);
                    System.out.printf(Locale.ROOT, "round %d of %d, %s: %s, %s%n", round, rounds, row, one, other);
                }
            }
        }
    }

    private static Cost measure(CommandLineOptions given, String target, String benchmark) throws RunnerException {
        RunResult result = new Runner(new OptionsBuilder()
                        .parent(given)
                        .include(TransactionBenchmark.class.getName() + "\\." + benchmark + "$")
                        .param("target", target)
                        .addProfiler(GCProfiler.class)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .runSingle();
        return new Cost(score(result, "nanos") / score(result, "transactions"), score(result, "gc.alloc.rate.norm"));
    }

    private static double score(RunResult result, String name) {
        return result.getSecondaryResults().get(name).getScore();
    }

    private String table() throws SQLException {
        StringBuilder text = new StringBuilder();
        text.append(
                "| transaction | on | by hand | Holdfast | ratio (lowest to highest) | bytes by hand | bytes more |\n");
        text.append("|---|---|---:|---:|---:|---:|---:|\n");
        for (String row : byHand.keySet()) {
            List<Cost> hand = byHand.get(row);
            List<Cost> ours = holdfast.get(row);
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < hand.size(); i++) {
                ratios.add(ours.get(i).nanos() / hand.get(i).nanos());
            }
            double handBytes = median(hand.stream().map(Cost::bytes).toList());
            double moreBytes = median(ours.stream().map(Cost::bytes).toList()) - handBytes;
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %,.0f ns | %,.0f ns | %.2f (%.2f to %.2f) | %,.0f | %+,.0f |%n",
                    row.replace("|", " | "),
                    median(hand.stream().map(Cost::nanos).toList()),
                    median(ours.stream().map(Cost::nanos).toList()),
                    median(ratios),
                    ratios.stream().min(Double::compare).orElseThrow(),
                    ratios.stream().max(Double::compare).orElseThrow(),
                    handBytes,
                    moreBytes));
        }
        return text.append('\n').append(surroundings()).toString();
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** What the numbers depend on, without naming the machine. */
    private String surroundings() throws SQLException {
        StringJoiner text = new StringJoiner("; ", "", ".");
        text.add("Medians of " + rounds + " rounds");
        text.add(System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
        text.add(System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors, shared");
        text.add("HikariCP " + HikariDataSource.class.getPackage().getImplementationVersion());
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
