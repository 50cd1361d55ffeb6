package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.ErrorCases.classOf;
import static dev.holdfast.tx.testkit.ErrorCases.withRow;
import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.BatchUpdateException;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How a dialect classifies errors that are handed to it: wrapped, in other words, or of any make (ERR). */
final class ClassifyCases {
    private static final Wish PLAIN = Wish.of(TxOptions.none());

    private ClassifyCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "ERR-14",
                        "TX-506",
                        "an error that a library or a batch has wrapped is found",
                        ClassifyCases::wrapped),
                ConformanceCase.of(
                        "ERR-14b",
                        "TX-506",
                        "causes that go round in a circle are looked through once",
                        ClassifyCases::circles),
                ConformanceCase.of(
                        "ERR-15", "TX-505", "the same error in the words of another language is the same", run -> {
                            String table = withRow(run);
                            Transactor db = run.transactor();
                            for (Failing one : Failing.values()) {
                                SQLException error = Failing.of(db, () -> db.execute(tx -> one.raise(tx, table)))
                                        .error();
                                SQLException other = OtherWords.of(error);
                                if (String.valueOf(error.getMessage()).equals(other.getMessage())) {
                                    throw new Inconclusive("the driver's error keeps its words: " + error);
                                }
                                for (Moment moment : moments()) {
                                    equal(
                                            told(classified(run, error, moment)),
                                            told(classified(run, other, moment)),
                                            one + " in other words, at " + moment);
                                }
                            }
                        }),
                ConformanceCase.of(
                        "ERR-16",
                        "TX-501",
                        "whatever a driver raises at whatever moment has a kind, an effect and a fate",
                        ClassifyCases::total),
                ConformanceCase.of(
                        "ERR-17",
                        "TX-504",
                        "a connection that is lost at COMMIT never tells whether it was committed",
                        run -> {
                            for (Supplier<SQLException> lost : lost()) {
                                Failure failure = classified(run, lost.get(), atCommit());
                                equal(
                                        CommitFate.UNKNOWN,
                                        failure.atCommit(),
                                        "the fate at COMMIT of " + failure.error());
                                equal(FailureEffect.LOST, failure.effect(), "the effect of " + failure.error());
                            }
                        }),
                ConformanceCase.of(
                        "ERR-18",
                        "TX-508",
                        "a connection that is lost before COMMIT takes the transaction with it, which may be run again",
                        run -> {
                            for (Supplier<SQLException> lost : lost()) {
                                for (Phase phase : List.of(Phase.BEGIN, Phase.STATEMENT, Phase.SAVEPOINT)) {
                                    Failure failure = classified(run, lost.get(), Moment.of(phase, PLAIN));
                                    Failing.isGone(failure);
                                }
                            }
                        }));
    }

    private static void wrapped(CaseRun run) throws Exception {
        String table = withRow(run);
        Transactor db = run.transactor();
        SQLException error = Failing.of(db, () -> db.execute(tx -> Failing.DUPLICATE.raise(tx, table)))
                .error();
        SQLException behind = new SQLException("a pool says that something went wrong");
        behind.setNextException(error);
        for (Throwable one : List.of(
                new IllegalStateException("a library", new RuntimeException("another", error)),
                new SQLException("a driver around a driver", error),
                behind,
                new Exception(behind))) {
            Failure failure = db.classify(one);
            equal(FailureKind.UNIQUE, failure == null ? null : failure.kind(), "the kind of what is behind " + one);
        }
        Throwable batch = thrownBy(() -> db.execute(tx -> {
            try (PreparedStatement statement =
                    tx.connection().prepareStatement("insert into " + table + " (id, v) values (?, 0)")) {
                for (int id : List.of(5, 1)) {
                    statement.setInt(1, id);
                    statement.addBatch();
                }
                statement.executeBatch();
            }
        }));
        run.note("a batch raises", String.valueOf(classOf(batch)));
        Failing.is(FailureKind.UNIQUE, false, Failing.told(db, batch));
        equal(List.of(1), run.ids(table), "committed rows");
    }

    private static void circles(CaseRun run) throws Exception {
        Transactor db = run.transactor();
        Exception first = new Exception("first");
        first.initCause(new Exception("second", first));
        SQLException inside = new SQLException("no state, no code");
        inside.initCause(new RuntimeException("round", inside));
        SQLException next = new SQLException("round by getNextException");
        next.setNextException(new SQLException("and round", next));
        List<@Nullable Failure> seen = Threads.<List<@Nullable Failure>>supply(() ->
                        Arrays.<@Nullable Failure>asList(db.classify(first), db.classify(inside), db.classify(next)))
                .get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        equal(null, seen.get(0), "what is behind a circle without an error of a database");
        for (Failure failure : seen.subList(1, 3)) {
            equal(
                    FailureKind.OTHER,
                    failure == null ? null : failure.kind(),
                    "the kind of an error that tells nothing");
        }
    }

    /** What errors are made of: as drivers and pools raise them, with states that all of them share. */
    private static List<SQLException> anything() {
        List<SQLException> errors = new ArrayList<>();
        for (String state : Arrays.asList(
                null, "", "0", "01000", "08001", "08003", "08006", "08S01", "0A000", "22001", "22003", "23000", "23502",
                "23503", "23505", "23514", "25000", "25006", "28000", "2D000", "3B001", "40001", "40P01", "42000",
                "42S02", "53300", "55P03", "57014", "HY000", "HYT00", "XXXXX")) {
            for (int code : List.of(0, 1, 5, 1205, -911)) {
                errors.add(new SQLException("made by a case", state, code));
            }
            errors.add(new SQLException(null, state));
            errors.add(new SQLTimeoutException("made by a case", state));
            errors.add(new SQLFeatureNotSupportedException("made by a case", state));
            errors.add(new SQLTransientConnectionException("made by a case", state));
            errors.add(new SQLRecoverableException("made by a case", state));
            errors.add(new BatchUpdateException("made by a case", state, 0, new int[0]));
        }
        return errors;
    }

    private static List<Supplier<SQLException>> lost() {
        return List.of(
                () -> new SQLException("gone", "08006"),
                () -> new SQLException("gone", "08003"),
                () -> new SQLNonTransientConnectionException("gone", "08006"),
                () -> new SQLRecoverableException("gone", "08006"),
                () -> new SQLException("around it", new SQLException("gone", "08006")));
    }

    static Moment atCommit() {
        return Moment.of(Phase.COMMIT, PLAIN);
    }

    private static List<Moment> moments() {
        List<Moment> moments = new ArrayList<>();
        for (Phase phase : Phase.values()) {
            for (DriverState state : DriverState.values()) {
                for (Cancelled cancelled : Cancelled.values()) {
                    moments.add(Moment.of(phase, PLAIN).driverState(state).cancelled(cancelled));
                }
            }
        }
        return moments;
    }

    static Failure classified(CaseRun run, SQLException error, Moment moment) {
        return run.database().dialect().classify(error, moment, run.profile());
    }

    private static String told(Failure failure) {
        return failure.kind() + ", " + failure.effect() + ", " + failure.atCommit();
    }

    private static void total(CaseRun run) {
        Dialect dialect = run.database().dialect();
        for (SQLException error : anything()) {
            for (Moment moment : moments()) {
                String what = error + " (SQLState " + error.getSQLState() + ", code " + error.getErrorCode() + ") at "
                        + moment;
                Failure failure;
                try {
                    failure = dialect.classify(error, moment, run.profile());
                } catch (RuntimeException e) {
                    throw new AssertionError("the dialect does not classify " + what + ": " + e, e);
                }
                holds(
                        () -> failure != null
                                && failure.kind() != null
                                && failure.effect() != null
                                && failure.atCommit() != null,
                        "a kind, an effect and a fate for " + what);
                equal(true, failure.error() == error, "the very error, for " + what);
                equal(told(failure), told(dialect.classify(error, moment, run.profile())), "asked again of " + what);
            }
        }
    }
}
