package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.util.Map;

/** The one place for types of a driver. Its calls are local: none sends a packet. */
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
}
