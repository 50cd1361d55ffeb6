package dev.holdfast.samples.jobs;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The tables: jobs, and what was done. Made for one run, and dropped at its end; filled and looked at without any help from
 * Holdfast.
 */
final class Backlog implements AutoCloseable {
    private static final int AT_ONCE = 500;

    private final Connection connection;
    private final int jobs;

    /**
     * Makes the tables, and puts jobs in.
     *
     * @param connection on autocommit, and in no transaction: many databases end one when a table is made
     * @throws SQLException if there is a table of these names already
     */
    Backlog(Connection connection, int jobs) throws SQLException {
        this.connection = connection;
        this.jobs = jobs;
        update("create table job (id int primary key, state varchar(10) not null)");
        // No key on the job: if one were done twice, the table must show it.
        update("create table job_done (job int not null, worker int not null)");
        update("create index job_by_state on job (state, id)");
        for (int from = 1; from <= jobs; from += AT_ONCE) {
            String rows = IntStream.range(from, Math.min(from + AT_ONCE, jobs + 1))
                    .mapToObj(id -> "(" + id + ", 'new')")
                    .collect(Collectors.joining(", "));
            update("insert into job (id, state) values " + rows);
        }
    }

    /** What is wrong with how the jobs were done; empty if each was done exactly once. */
    List<String> complaints(List<Crew.Undone> undone) throws SQLException {
        Map<Integer, List<Integer>> workers = workers();
        List<String> complaints = new ArrayList<>();
        for (int job = 1; job <= jobs; job++) {
            int times = workers.getOrDefault(job, List.of()).size();
            if (times != 1) {
                complaints.add("Job " + job + " was done " + times + " times");
            }
        }
        for (Crew.Undone crash : undone) {
            for (int job : crash.jobs()) {
                if (workers.getOrDefault(job, List.of()).contains(crash.worker())) {
                    complaints.add(
                            "Job " + job + " is told as done by worker " + crash.worker() + ", who crashed over it");
                }
            }
        }
        return complaints;
    }

    /** Who did each job. */
    private Map<Integer, List<Integer>> workers() throws SQLException {
        Map<Integer, List<Integer>> all = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select job, worker from job_done")) {
            while (rows.next()) {
                all.computeIfAbsent(rows.getInt("job"), job -> new ArrayList<>())
                        .add(rows.getInt("worker"));
            }
        }
        return all;
    }

    private void update(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    @Override
    public void close() throws SQLException {
        update("drop table job_done");
        update("drop table job");
    }
}
