package dev.holdfast.samples.firstscreen;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What each database receives for one call, as a table of Markdown made from {@code explain}. */
public final class PlanTable {
    private PlanTable() {}

    /** Prints the table of the first example. */
    public static void main(String[] arguments) {
        System.out.print(of(FirstScreen.options()));
    }

    /** The table for these options, with a column for each dialect on the class path, by name. */
    public static String of(TxOptions options) {
        List<List<String>> columns = new ArrayList<>();
        columns.add(List.of("", "begin", "commit", "rollback"));
        for (Dialect dialect : dialects()) {
            List<String> lines = Holdfast.explain(dialect, options).lines().toList();
            columns.add(List.of(
                    dialect.typicalProfile().server(), steps(lines.get(1)), steps(lines.get(2)), steps(lines.get(3))));
        }
        StringBuilder table = new StringBuilder();
        for (int row = 0; row < columns.get(0).size(); row++) {
            int line = row;
            table.append(
                    columns.stream().map(column -> column.get(line)).collect(Collectors.joining(" | ", "| ", " |\n")));
            if (row == 0) {
                table.append("|---".repeat(columns.size())).append("|\n");
            }
        }
        return table.toString();
    }

    private static List<Dialect> dialects() {
        return Holdfast.dialects().stream()
                .sorted(Comparator.comparing(Dialect::name))
                .toList();
    }

    /** Each step as code, on a line of its own; what is said in brackets about the message as text. */
    private static String steps(String line) {
        String message = line.substring(line.indexOf(':') + 1).strip();
        int remark = message.indexOf("  (");
        String steps = Arrays.stream((remark < 0 ? message : message.substring(0, remark)).split(" \\| ", -1))
                .map(step -> "`" + step + "`")
                .collect(Collectors.joining("<br>"));
        return remark < 0 ? steps : steps + "<br>" + message.substring(remark).strip();
    }
}
