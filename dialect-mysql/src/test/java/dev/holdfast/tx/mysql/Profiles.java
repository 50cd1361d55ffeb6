package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Identity.DriverAccess;
import dev.holdfast.tx.spi.Profile;
import java.util.HashMap;
import java.util.Map;

/** Profiles as servers give them, without the servers. */
final class Profiles {
    /** A profile in the making. */
    static final class Making {
        private final Map<String, String> answers = new HashMap<>();
        private final String version;
        private JdbcDriver driver = JdbcDriver.CONNECTOR_J;
        private Autocommit autocommit = Autocommit.OFF;
        private boolean multiQueries = true;
        private DriverAccess access = DriverAccess.VISIBLE;

        private Making(String version) {
            this.version = version;
            answers.put("version", version);
        }

        Making by(JdbcDriver other) {
            driver = other;
            return this;
        }

        Making autocommit(Autocommit other) {
            autocommit = other;
            return this;
        }

        /** Without several statements in one text. */
        Making oneByOne() {
            multiQueries = false;
            return this;
        }

        /** Behind a pool that does not let the driver through, so that nothing is known of its settings either. */
        Making hidden() {
            access = DriverAccess.HIDDEN;
            return this;
        }

        Making says(String variable, String value) {
            answers.put(variable, value);
            return this;
        }

        Profile made() {
            Identity identity = new Identity(
                            version.contains("MariaDB") && driver == JdbcDriver.MARIADB ? "MariaDB" : "MySQL",
                            version,
                            driver.toString(),
                            "1",
                            "jdbc:mysql://db/shop",
                            autocommit)
                    .driverAccess(access);
            return new MysqlDialect()
                    .profile(
                            access == DriverAccess.HIDDEN
                                    ? identity
                                    : identity.driverSettings(
                                            Map.of("allowMultiQueries", String.valueOf(multiQueries))),
                            new Answers(answers));
        }
    }

    private Profiles() {}

    static Making mysql() {
        return new Making("9.7.0").says("transaction_isolation", "REPEATABLE-READ");
    }

    static Making mariadb() {
        return new Making("10.11.19-MariaDB")
                .says("tx_isolation", "REPEATABLE-READ")
                .says("innodb_snapshot_isolation", "OFF");
    }

    static Making saying(String version) {
        return new Making(version);
    }
}
