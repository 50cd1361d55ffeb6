package dev.holdfast.tx.testkit;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Errors that any database can be made to raise, and what is to be seen of them. */
enum Failing {
    /** A key that is there already. */
    DUPLICATE(FailureKind.UNIQUE, "insert into {table} (id, v) values (1, 0)"),
    /** A null where none may be. */
    NULL(FailureKind.NOT_NULL, "insert into {table} (id, v) values (2, null)"),
    /** A table that is not there. */
    UNKNOWN_TABLE(FailureKind.SYNTAX, "insert into hf_nowhere (id, v) values (1, 0)"),
    /** No SQL. */
    MALFORMED(FailureKind.SYNTAX, "insert insert into {table}");

    /** The columns of the table that they need, with row 1 in it. */
    static final String COLUMNS = "id int primary key, v int not null";

    final FailureKind kind;
    private final String sql;

    Failing(FailureKind kind, String sql) {
        this.kind = kind;
        this.sql = sql;
    }

    /** Has the database raise it. */
    void raise(ConnectionScope scope, String table) throws SQLException {
        scope.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.executeUpdate(sql.replace("{table}", table));
            }
        });
    }

    /**
     * What an attempt fails with, classified.
     *
     * @throws AssertionError if it does not fail, if no database error is behind it, or if the driver's error is not in its
     *     causes
     */
    static Failure of(ConnectionScope scope, Facts.Attempt attempt) {
        return told(scope, Facts.thrownBy(attempt));
    }

    /** As {@link #of}, of what was thrown. */
    static Failure told(ConnectionScope scope, @Nullable Throwable thrown) {
        if (thrown == null) {
            throw new AssertionError("an error was expected, and none was raised");
        }
        if (thrown instanceof Untested || thrown instanceof Inconclusive) {
            throw (RuntimeException) thrown;
        }
        Failure failure = scope.classify(thrown);
        if (failure == null) {
            throw new AssertionError("no database error is found behind " + thrown, thrown);
        }
        if (!isBehind(failure.error(), thrown)) {
            throw new AssertionError(
                    "the driver's error " + failure.error() + " is not in the causes of " + thrown, thrown);
        }
        return failure;
    }

    /** Whether an error is another or in its causes. */
    static boolean isBehind(Throwable error, Throwable thrown) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = thrown; cause != null && seen.add(cause); cause = cause.getCause()) {
            if (cause == error) {
                return true;
            }
        }
        return false;
    }

    /** It took the connection or the session with it, and the transaction may be run again. */
    static void isGone(Failure failure) {
        if (failure.effect() != FailureEffect.LOST || !failure.kind().isTransient()) {
            throw new AssertionError(
                    "expected an effect of LOST and a transient kind, but saw " + failure.effect() + " and " + failure
                            + ": " + failure.error(),
                    failure.error());
        }
    }

    /** It is of this kind, and may be run again or not as its kind says. */
    static void is(FailureKind kind, boolean isTransient, Failure failure) {
        if (failure.kind() != kind) {
            throw new AssertionError(
                    "the kind: expected " + kind + ", but saw " + failure + ": " + failure.error(), failure.error());
        }
        Facts.equal(isTransient, failure.kind().isTransient(), "whether " + kind + " may be run again");
    }
}
