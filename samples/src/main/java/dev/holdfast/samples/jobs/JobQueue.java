package dev.holdfast.samples.jobs;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A queue of jobs in a table. Who takes a job locks its row, and the others skip it. A commit makes it done; a rollback, or
 * the end of the worker's session, makes it free again. Nothing has to be cleaned up after a crash.
 */
final class JobQueue {
    /** What a worker does for a job, in the transaction that marks it done. */
    @FunctionalInterface
    interface Work {
        void of(Tx tx, int job) throws SQLException;
    }

    /** At READ COMMITTED InnoDB keeps locks on the rows that were found, and not on those that were looked at. */
    private static final TxOptions OPTIONS =
            TxOptions.of(Isolation.READ_COMMITTED).label("jobs").retry(RetryPolicy.attempts(10));

    private final Transactor db;

    /**
     * A queue in the table {@code job (id, state)}.
     *
     * @throws dev.holdfast.tx.TxUnsupportedException if the database cannot skip locked rows
     */
    JobQueue(Transactor db) {
        this.db = db;
        db.execute(tx -> tx.lock(UNLESS_TAKEN, NEW_JOBS)); // refused now, rather than at the first job
    }

    // region work
    private static final RowLock UNLESS_TAKEN = RowLock.forUpdate().skipLocked();
    private static final String NEW_JOBS =
            "select id from job {table-lock} where state = 'new' order by id limit ? {row-lock}";

    /** Takes some new jobs and does them, all or none; answers how many. */
    int work(int most, Work work) {
        return db.transact(OPTIONS, tx -> {
            List<Integer> jobs = take(tx, most);
            for (int job : jobs) {
                work.of(tx, job);
            }
            markDone(tx, jobs);
            return jobs.size();
        });
    }

    private static List<Integer> take(Tx tx, int most) throws SQLException {
        List<Integer> jobs = new ArrayList<>();
        try (PreparedStatement statement = tx.connection().prepareStatement(tx.lock(UNLESS_TAKEN, NEW_JOBS))) {
            statement.setInt(1, most);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    jobs.add(rows.getInt("id"));
                }
            }
        }
        return jobs;
    }
    // endregion

    private static void markDone(Tx tx, List<Integer> jobs) throws SQLException {
        if (jobs.isEmpty()) {
            return;
        }
        String ids = jobs.stream().map(String::valueOf).collect(Collectors.joining(", "));
        try (PreparedStatement statement =
                tx.connection().prepareStatement("update job set state = 'done' where id in (" + ids + ")")) {
            statement.executeUpdate();
        }
    }

    /** Whether jobs are left, be it that others are at work on them. */
    boolean isOpen() {
        return db.transact(OPTIONS, tx -> {
            try (PreparedStatement statement =
                            tx.connection().prepareStatement("select count(*) from job where state = 'new'");
                    ResultSet row = statement.executeQuery()) {
                return row.next() && row.getInt(1) > 0;
            }
        });
    }
}
