package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** The one place for types of a driver. Its calls are local but for {@link #cancel}: none of them sends a packet. */
public interface DriverPort {
    /** Knows nothing. */
    DriverPort NONE = connection -> DriverState.UNKNOWN;

    /**
     * What the driver knows of the transaction on its connection; never throws, {@link DriverState#UNKNOWN} where it
     * cannot tell.
     *
     * @param connection as it came from the pool
     */
    DriverState state(Connection connection);

    /**
     * How the driver was configured, as far as plans depend on it; never throws, and tells no secrets. Becomes
     * {@link Identity#driverSettings()}.
     *
     * @param connection as it came from the pool
     */
    default Map<String, String> settings(Connection connection) {
        return Map.of();
    }

    /**
     * Whether the driver waits in code that is not Java, as SQLite's does for a lock: a virtual thread keeps its carrier then,
     * and a few that wait keep all others from going on.
     */
    default boolean waitsNatively() {
        return false;
    }

    /**
     * Has the server end what a statement does, be it executed or its rows fetched, and be it that it works or that it waits
     * for a lock: {@link Statement#cancel}, where that is enough. It is called by another thread than the one that waits for
     * the server, and again after a while if that still waits, so each call must reach the server. None is made when the
     * wait is over.
     *
     * @param running as the pool's connection has made it
     */
    default void cancel(Statement running) throws SQLException {
        running.cancel();
    }
}
