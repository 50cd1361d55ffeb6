package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The one place for types of a driver. Its calls are local but for {@link #cancel}: none of them sends a packet. */
public interface DriverPort {
    /** Knows nothing. */
    DriverPort NONE = connection -> DriverState.UNKNOWN;

    /**
     * What the driver knows of the transaction on its connection; never throws, {@link DriverState#UNKNOWN} where it
     * cannot tell. Of a connection that the driver has closed, by itself or because it was lost, it knows nothing, whatever it still
     * remembers: a pool may unwrap that one too.
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

    /** A call of the driver that executes something. */
    @FunctionalInterface
    interface Sending<T> {
        /**
         * Makes it.
         *
         * @throws SQLException as the driver raises it
         */
        T send() throws SQLException;
    }

    /**
     * Makes a call that executes a statement. A driver that waits for a lock in code that is not Java, as SQLite's does, keeps a
     * virtual thread on its carrier; it is kept from that here. Its refusal comes back, and after a pause in Java the call
     * is made again, for as long as the driver would have waited by itself. Nothing else about the call differs: it is done
     * once, or not at all, and {@link #cancel} ends it in a pause, too.
     *
     * @param statement that is executed, as the pool's connection has made it
     * @param sql its text; null for a batch, which a driver forgets when it fails, so that it cannot be sent again
     */
    default <T> T send(Statement statement, @Nullable String sql, Sending<T> call) throws SQLException {
        return call.send();
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
