package dev.holdfast.tx.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What statements answer and do, given the rows of the table: asked of a database in memory, once for each that is new. */
final class Statements implements AutoCloseable {
    /** What is in a row beside its id. */
    record Row(int v, int n) {}

    /**
     * What became of a statement.
     *
     * @param values the first column, of a query
     * @param count of the rows that it wrote
     * @param concerned the ids of the rows that its condition holds for
     * @param after the rows after it
     */
    record Answer(List<Integer> values, int count, Set<Integer> concerned, Map<Integer, Row> after) {}

    private record Question(Map<Integer, Row> rows, String sql) {}

    private final Connection connection;
    private final Map<Question, Answer> answers = new HashMap<>();

    Statements() throws SQLException {
        connection = DriverManager.getConnection("jdbc:sqlite::memory:");
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("create table t (" + Interleaving.COLUMNS + ")");
        }
    }

    Answer query(Map<Integer, Row> rows, String query) throws SQLException {
        return ask(rows, query, true);
    }

    Answer update(Map<Integer, Row> rows, String update) throws SQLException {
        return ask(rows, update, false);
    }

    private Answer ask(Map<Integer, Row> rows, String sql, boolean query) throws SQLException {
        Question question = new Question(Map.copyOf(rows), sql);
        Answer known = answers.get(question);
        if (known != null) {
            return known;
        }
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("delete from t");
            for (Map.Entry<Integer, Row> row : rows.entrySet()) {
                statement.executeUpdate("insert into t (id, v, n) values (" + row.getKey() + ", "
                        + row.getValue().v() + ", " + row.getValue().n() + ")");
            }
            Set<Integer> concerned = sql.startsWith("insert")
                    ? Set.of()
                    : new HashSet<>(ints(statement, "select id from t" + condition(sql)));
            List<Integer> values = query ? ints(statement, sql) : List.of();
            int count = query ? 0 : statement.executeUpdate(sql);
            Answer answer = new Answer(values, count, concerned, rows(statement));
            answers.put(question, answer);
            return answer;
        }
    }

    private static String condition(String sql) {
        int where = sql.indexOf(" where ");
        int order = sql.indexOf(" order by ");
        return where < 0 ? "" : sql.substring(where, order < 0 ? sql.length() : order);
    }

    private static List<Integer> ints(Statement statement, String query) throws SQLException {
        List<Integer> values = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                values.add(rows.getInt(1));
            }
        }
        return values;
    }

    private static Map<Integer, Row> rows(Statement statement) throws SQLException {
        Map<Integer, Row> all = new TreeMap<>();
        try (ResultSet rows = statement.executeQuery("select id, v, n from t")) {
            while (rows.next()) {
                all.put(rows.getInt(1), new Row(rows.getInt(2), rows.getInt(3)));
            }
        }
        return all;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
