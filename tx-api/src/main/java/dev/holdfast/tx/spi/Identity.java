package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What JDBC says of a database without asking it anything. */
public final class Identity {
    /** Whether connections come from the pool with autocommit on or off. */
    public enum Autocommit {
        /** As JDBC has it by default. */
        ON,
        /** The pool was told so. */
        OFF
    }

    /** Whether the engine can see the driver's own connection behind the pool's. */
    public enum DriverAccess {
        /** {@link DriverPort#state} answers. */
        VISIBLE,
        /** The pool does not let it through: {@link DriverPort#state} knows nothing. */
        HIDDEN
    }

    private final String product;
    private final String productVersion;
    private final String driver;
    private final String driverVersion;
    private final String url;
    private final Autocommit autocommit;
    private final DriverAccess driverAccess;
    private final Map<String, String> driverSettings;

    /**
     * An identity.
     *
     * @param product {@code DatabaseMetaData.getDatabaseProductName}
     * @param productVersion {@code DatabaseMetaData.getDatabaseProductVersion}
     * @param driver {@code DatabaseMetaData.getDriverName}
     * @param driverVersion {@code DatabaseMetaData.getDriverVersion}
     * @param url the JDBC URL without user, password and parameters
     * @param autocommit how connections come from the pool
     */
    public Identity(
            String product,
            String productVersion,
            String driver,
            String driverVersion,
            String url,
            Autocommit autocommit) {
        this(product, productVersion, driver, driverVersion, url, autocommit, DriverAccess.VISIBLE, Map.of());
    }

    private Identity(
            String product,
            String productVersion,
            String driver,
            String driverVersion,
            String url,
            Autocommit autocommit,
            DriverAccess driverAccess,
            Map<String, String> driverSettings) {
        this.driverAccess = driverAccess;
        this.driverSettings = Map.copyOf(driverSettings);
        this.product = Objects.requireNonNull(product);
        this.productVersion = Objects.requireNonNull(productVersion);
        this.driver = Objects.requireNonNull(driver);
        this.driverVersion = Objects.requireNonNull(driverVersion);
        this.url = Objects.requireNonNull(url);
        this.autocommit = Objects.requireNonNull(autocommit);
    }

    /**
     * What a connection that came from a pool tells of its database, without a packet.
     *
     * @throws SQLException as the driver raises it
     */
    public static Identity of(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        return new Identity(
                orUnknown(data.getDatabaseProductName()),
                orUnknown(data.getDatabaseProductVersion()),
                orUnknown(data.getDriverName()),
                orUnknown(data.getDriverVersion()),
                withoutSecrets(orUnknown(data.getURL())),
                connection.getAutoCommit() ? Autocommit.ON : Autocommit.OFF);
    }

    private static String orUnknown(@Nullable String text) {
        return text == null ? "(unknown)" : text;
    }

    /**
     * A JDBC URL as it may be shown: passwords travel in parameters, before an {@code @}, in Oracle's URLs without the
     * slashes of others, or among the keys of a MySQL host.
     */
    public static String withoutSecrets(String url) {
        return url.replaceFirst("(?i)^(jdbc:oracle:\\w+:)[^@]+.*@", "$1@")
                .replaceFirst("[?;].*", "")
                .replaceFirst("//.*@", "//")
                .replaceAll("(?i)\\b(user|password)=[^,()]*", "$1=");
    }

    /** The product's name. */
    public String product() {
        return product;
    }

    /** The product's version. */
    public String productVersion() {
        return productVersion;
    }

    /** The driver's name. */
    public String driver() {
        return driver;
    }

    /** The driver's version. */
    public String driverVersion() {
        return driverVersion;
    }

    /** The JDBC URL without user, password and parameters. */
    public String url() {
        return url;
    }

    /** How connections come from the pool. */
    public Autocommit autocommit() {
        return autocommit;
    }

    /** With the driver's own connection visible or hidden. */
    public Identity driverAccess(DriverAccess access) {
        return new Identity(product, productVersion, driver, driverVersion, url, autocommit, access, driverSettings);
    }

    /** With the driver configured like this. */
    public Identity driverSettings(Map<String, String> settings) {
        return new Identity(product, productVersion, driver, driverVersion, url, autocommit, driverAccess, settings);
    }

    /** How the driver was configured, as far as its {@link DriverPort} tells. */
    public Map<String, String> driverSettings() {
        return driverSettings;
    }

    /** Whether the engine can see the driver's own connection behind the pool's; visible unless said. */
    public DriverAccess driverAccess() {
        return driverAccess;
    }

    @Override
    public String toString() {
        return product + " " + productVersion + " at " + url + " (" + driver + " " + driverVersion + ")";
    }
}
