package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The levels of a database: found by what they are, and as its sessions tell of them. */
final class Levels {
    /** SNAPSHOT has none. */
    static final Map<Isolation, Integer> IN_JDBC = Map.of(
            Isolation.READ_UNCOMMITTED, Connection.TRANSACTION_READ_UNCOMMITTED,
            Isolation.READ_COMMITTED, Connection.TRANSACTION_READ_COMMITTED,
            Isolation.REPEATABLE_READ, Connection.TRANSACTION_REPEATABLE_READ,
            Isolation.SERIALIZABLE, Connection.TRANSACTION_SERIALIZABLE);

    private Levels() {}

    /** A level with the first of these models that the database has, the highest by name; empty if it has none. */
    static Optional<Isolation> first(Profile profile, IsolationModel... models) {
        return List.of(models).stream()
                .flatMap(model -> profile.levels().entrySet().stream()
                        .filter(level -> level.getValue().model() == model)
                        .map(Map.Entry::getKey)
                        .max(Comparator.naturalOrder())
                        .stream())
                .findFirst();
    }

    /** A level whose transactions see one state of the database. */
    static Isolation ofOneState(Profile profile) {
        return first(profile, IsolationModel.SI, IsolationModel.SER)
                .orElseThrow(() -> new Untested("no level shows a transaction one state of the database"));
    }

    /**
     * The session has what the dialect gives for a level: the server says so, or where none of the session queries tells it,
     * the driver does.
     *
     * @param session the driver's own
     */
    static void requireReported(CaseRun run, Connection session, Isolation level) throws SQLException {
        Level given = Objects.requireNonNull(run.profile().levels().get(level), () -> level + " is not declared");
        List<String> heard = new ArrayList<>();
        for (String query : queries(run)) {
            String answer = answer(session, query);
            if (plain(answer).equals(plain(given.nativeName()))) {
                run.note(level + " is told by", "the server");
                return;
            }
            heard.add(query + " -> " + answer);
        }
        int told = session.getTransactionIsolation();
        heard.add("getTransactionIsolation -> " + told);
        Set<Integer> expected = run.profile().levels().entrySet().stream()
                .filter(other -> other.getValue().nativeName().equals(given.nativeName()))
                .map(other -> IN_JDBC.get(other.getKey()))
                .filter(Objects::nonNull)
                .collect(Collectors.toSet());
        if (!expected.contains(told)) {
            throw new AssertionError(
                    level + " should be " + given.nativeName() + " on the server, but nothing says so: "
                            + heard
                            + "; where neither the driver nor a session query can tell the level of a transaction, name a"
                            + " query that can in the session queries of the database under test");
        }
        run.note(level + " is told by", "the driver, which may only repeat what it was told");
    }

    /** Those that ask for the level of what is running now, by their words. */
    private static List<String> queries(CaseRun run) {
        Stream<String> ofSessions = run.database().sessionQueries().stream()
                .filter(query ->
                        plain(query).contains("isolation") && !plain(query).contains("default"));
        return Stream.concat(ofSessions, run.database().levelQueries().stream()).toList();
    }

    private static String answer(Connection session, String query) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            return row.next() ? String.valueOf(row.getString(1)) : "(no row)";
        }
    }

    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z]", "");
    }
}
