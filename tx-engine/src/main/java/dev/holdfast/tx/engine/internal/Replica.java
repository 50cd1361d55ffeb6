package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Replication;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** One server that follows the primary, and what is known of its health. For use by many threads. */
final class Replica {
    /** Whether it can be read from. */
    enum Health {
        /** It has answered, and has not failed since. */
        HEALTHY,
        /** It has failed, or has never answered. */
        DOWN,
        /** It has answered that it follows nobody. */
        PROMOTED,
        /** It is no replica of this primary. */
        MISFIT
    }

    /** Takes it into use, with a look at what it is. */
    @FunctionalInterface
    interface Opening {
        Server open(Deadline within) throws SQLException, InterruptedException;
    }

    /** What messages call it. */
    final String name;
    /** Transactions that are on it now. */
    final AtomicInteger inUse = new AtomicInteger();
    /** Whether it is being asked how it is. */
    final AtomicBoolean probed = new AtomicBoolean();

    private final Opening opening;
    private volatile @Nullable Server server;
    /** Whether it is known to be one of its primary's. */
    private volatile boolean fits;
    /** Whether it has ever said that it takes no writes. */
    private volatile boolean tookNone;

    private volatile Health health = Health.DOWN;
    private volatile String why = "it has not answered yet";

    Replica(String name, Opening opening) {
        this.name = name;
        this.opening = opening;
    }

    /** What is known of it; null if it has never answered. */
    @Nullable
    Server server() {
        return server;
    }

    boolean isHealthy() {
        return health == Health.HEALTHY;
    }

    Health health() {
        return health;
    }

    /** The server, asked now for what it is if it never was. */
    Server opened(Deadline within) throws SQLException, InterruptedException {
        Server known = server;
        if (known == null) {
            known = opening.open(within);
            server = known;
        }
        return known;
    }

    /**
     * Looks at its answer to {@link Replication#question}.
     *
     * @return whether it can be read from
     */
    boolean answered(Map<String, String> answers) {
        String role = answers.get(Replication.ROLE);
        if (Replication.REPLICA.equals(role)) {
            tookNone = true;
        }
        if (Replication.PRIMARY.equals(role)) {
            become(Health.PROMOTED, "it follows no other server: it was promoted, or never was a replica");
            return false;
        }
        if (tookNone && !Replication.REPLICA.equals(role)) {
            become(Health.PROMOTED, "it takes writes, and took none before: it was promoted");
            return false;
        }
        become(Health.HEALTHY, "it answers");
        return true;
    }

    /** How far it said that it has come; null if it has not. */
    static @Nullable String position(Map<String, String> answers) {
        return answers.get(Positions.POSITION);
    }

    /** It failed, or did not answer in time. Its other connections may be dead as well. */
    void failed(Throwable error) {
        Server known = server;
        if (known != null) {
            known.source.lost();
        }
        become(
                Health.DOWN,
                String.valueOf(error.getMessage()).lines().findFirst().orElse("it has failed"));
    }

    /** Whether it is known to be one of its primary's. */
    boolean fits() {
        return fits;
    }

    /** It is one of its primary's. */
    void found() {
        fits = true;
    }

    /** It is not to be used, however well it answers. */
    void misfits(String reason) {
        become(Health.MISFIT, reason);
    }

    private void become(Health now, String reason) {
        Health before = health;
        why = reason;
        health = now;
        if (before != now) {
            System.Logger.Level level = now == Health.HEALTHY ? System.Logger.Level.INFO : System.Logger.Level.WARNING;
            Log.LOGGER.log(level, () -> this + (now == Health.HEALTHY ? "; it is read from" : "; it is left out"));
        }
    }

    @Override
    public String toString() {
        Server known = server;
        return name + (known == null ? "" : " (" + known.profile + ")") + ", " + health + ": " + why;
    }
}
