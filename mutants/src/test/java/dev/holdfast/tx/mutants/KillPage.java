package dev.holdfast.tx.mutants;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The page that tells which cases notice which mutant. What is told of a mutant is kept from one writing to the next. */
final class KillPage {
    private static final String HEAD = """
            # What the suite catches

            Each line of the first table is a dialect, an engine or a driver that is broken in one place on purpose, the case
            that must notice, what that case says, and which other core cases fail as well. A core case is one that every
            database must pass; the second table tells what each of them catches. Both are written by

            ```
            mvn -pl mutants -am test -Dtest=KillMatrix -Dsurefire.failIfNoSpecifiedTests=false \\
                -Dholdfast.time.multiplier=0.2 -Dmutants.into=../docs/conformance/mutants.md
            ```

            on JDK 21 or newer, and not by hand. `-Dmutants.only=M07,M31` writes the lines of these two alone. Cases that take
            long are run against one mutant each.

            """;

    /**
     * What is told of a mutant.
     *
     * @param seen what its killer says; empty if it notices nothing
     * @param others core cases that fail as well
     */
    record Row(String id, String what, String base, String killer, String seen, List<String> others) {
        Row {
            others = List.copyOf(others);
        }

        boolean isKilledBy(String id) {
            return (killer.equals(id) && !seen.isEmpty()) || others.contains(id);
        }

        @Override
        public String toString() {
            return "| %s | %s | %s | %s | %s | %s |"
                    .formatted(id, what, base, killer, seen.replace("|", "¦"), String.join(", ", others));
        }

        static Row of(String line) {
            String[] cells = Arrays.stream(line.substring(1, line.length() - 1).split("\\|", -1))
                    .map(String::strip)
                    .toArray(String[]::new);
            List<String> others = cells[5].isEmpty() ? List.of() : List.of(cells[5].split(", "));
            return new Row(cells[0], cells[1], cells[2], cells[3], cells[4], others);
        }
    }

    private final Map<String, Row> rows = new TreeMap<>();

    private KillPage() {}

    static KillPage empty() {
        return new KillPage();
    }

    static KillPage read(Path file) throws IOException {
        KillPage page = new KillPage();
        Files.readAllLines(file).stream()
                .filter(line -> line.startsWith("| M"))
                .map(Row::of)
                .forEach(page::put);
        return page;
    }

    void put(Row row) {
        rows.put(row.id(), row);
    }

    /** Forgets mutants that are no more. */
    void keepOnly(Collection<Mutant> mutants) {
        rows.keySet().retainAll(mutants.stream().map(Mutant::id).collect(Collectors.toSet()));
    }

    Collection<Row> rows() {
        return rows.values();
    }

    /** The mutants that a case catches. */
    Set<String> caughtBy(String id) {
        return rows.values().stream()
                .filter(row -> row.isKilledBy(id))
                .map(Row::id)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    void write(Path file) throws IOException {
        StringBuilder text = new StringBuilder(HEAD);
        text.append("## Mutants\n\n");
        text.append("| | what is broken | on | killed by | which says | fails as well |\n|---|---|---|---|---|---|\n");
        rows.values().forEach(row -> text.append(row).append('\n'));
        text.append("\n## Core cases\n\n| case | catches |\n|---|---|\n");
        for (String id :
                new TreeSet<>(CoreCases.all().stream().map(one -> one.id()).toList())) {
            text.append("| %s | %s |\n".formatted(id, String.join(", ", caughtBy(id))));
        }
        if (file.toAbsolutePath().getParent() != null) {
            Files.createDirectories(file.toAbsolutePath().getParent());
        }
        Files.writeString(file, text.toString());
    }
}
