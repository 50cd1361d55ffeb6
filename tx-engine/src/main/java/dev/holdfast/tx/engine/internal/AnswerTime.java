package dev.holdfast.tx.engine.internal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How long the driver waits for one answer of the server: as long as the pool or the caller has set, or shorter where a
 * limit ends sooner. A driver that has waited so long takes the connection for lost, which frees its caller from a server
 * that does not answer at all, and can not be told to cancel anything. In turn.
 */
final class AnswerTime {
    /** What the answer to a cancel may take. Until then a statement whose limit has passed may end in order. */
    static final Duration OF_CANCEL = Duration.ofSeconds(1);

    private static final String SETTING = "network timeout";
    private static final int NOT_ASKED = -1;
    private static final int NOT_KNOWN = -2;

    private final Lease lease;
    /** In milliseconds as JDBC counts them, 0 for no limit; or one of the above. */
    private int usual = NOT_ASKED;

    private int inForce;
    /** By which an answer must have come; null for no limit. */
    private @Nullable Deadline end;

    AnswerTime(Lease lease) {
        this.lease = lease;
    }

    /** As the caller sees it. */
    int usual() throws SQLException {
        return usual >= 0 ? usual : lease.connection.getNetworkTimeout();
    }

    /** As the caller wants it until the connection is given back; a limit that ends sooner stays. */
    void usual(Executor executor, int millis) throws SQLException {
        Connection connection = lease.connection;
        int before = usual();
        if (before == millis) {
            return;
        }
        lease.undoLater(SETTING, on -> on.setNetworkTimeout(executor, before));
        if (usual >= 0 && inForce != usual) {
            usual = millis;
            set(shorter(inForce, millis));
            return;
        }
        connection.setNetworkTimeout(executor, millis);
        usual = NOT_ASKED;
    }

    /**
     * Has answers waited for until this limit has passed and a cancel had its time.
     *
     * @param limit null for as long as usual
     */
    void until(@Nullable Deadline limit) throws SQLException {
        end = limit;
        if (limit == null) {
            if (usual >= 0) {
                set(usual);
            }
            return;
        }
        long left = Math.max(0, limit.left(System.nanoTime()));
        limit(left + OF_CANCEL.toNanos());
    }

    /** The limit that answers are waited for; null if there is none. */
    @Nullable
    Deadline end() {
        return end;
    }

    /** Has answers waited for no longer than this. */
    void atMost(Duration length) throws SQLException {
        limit(Math.min(length.toNanos(), Long.MAX_VALUE / 2));
    }

    private void limit(long nanos) throws SQLException {
        if (usual == NOT_ASKED) {
            ask();
        }
        if (usual == NOT_KNOWN) {
            return;
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(nanos + 999_999);
        set(shorter((int) Math.min(millis, Integer.MAX_VALUE), usual));
    }

    private void ask() throws SQLException {
        try {
            int found = lease.connection.getNetworkTimeout();
            usual = found;
            inForce = found;
        } catch (SQLFeatureNotSupportedException e) {
            usual = NOT_KNOWN;
        }
    }

    private void set(int millis) throws SQLException {
        if (millis == inForce) {
            return;
        }
        try {
            lease.connection.setNetworkTimeout(Runnable::run, millis);
            inForce = millis;
        } catch (SQLFeatureNotSupportedException e) {
            usual = NOT_KNOWN;
        }
    }

    /** Of two, where zero is for ever. */
    private static int shorter(int one, int other) {
        return one == 0 || other == 0 ? Math.max(one, other) : Math.min(one, other);
    }
}
