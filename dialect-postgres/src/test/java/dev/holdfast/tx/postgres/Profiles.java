package dev.holdfast.tx.postgres;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import java.util.LinkedHashMap;
import java.util.Map;

/** Profiles of servers that need not run, from what such a server answers to the probe. */
final class Profiles {
    static final PostgresDialect DIALECT = new PostgresDialect();
    static final String PGJDBC = "PostgreSQL JDBC Driver";

    static final String COCKROACHDB =
            "CockroachDB CCL v26.3.0 (x86_64-pc-linux-gnu, built 2026/08/01 10:00:00, go1.25.0)";
    static final String YUGABYTEDB =
            "PostgreSQL 15.12-YB-2025.2.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang, 64-bit";

    private Profiles() {}

    static Profile postgres(int major) {
        return of(major, Autocommit.ON, PGJDBC, Map.of());
    }

    static Profile autocommitOff(int major) {
        return of(major, Autocommit.OFF, PGJDBC, Map.of());
    }

    static Profile otherDriver(Autocommit autocommit) {
        return of(18, autocommit, "Some Other Driver", Map.of());
    }

    static Profile standby() {
        return of(18, Autocommit.ON, PGJDBC, Map.of("in_hot_standby", "on", "default_transaction_read_only", "on"));
    }

    static Profile aurora() {
        return of(17, Autocommit.ON, PGJDBC, Map.of("aurora", "1"));
    }

    static Profile cockroach() {
        return of(
                18,
                Autocommit.ON,
                PGJDBC,
                Map.of(
                        "version", COCKROACHDB,
                        "server_version_num", "130000",
                        "default_transaction_isolation", "serializable"));
    }

    static Profile yugabyte() {
        return of(18, Autocommit.ON, PGJDBC, Map.of("version", YUGABYTEDB, "server_version_num", "150012"));
    }

    static Profile answering(Map<String, String> answers) {
        return of(18, Autocommit.ON, PGJDBC, answers);
    }

    private static Profile of(int major, Autocommit autocommit, String driver, Map<String, String> different) {
        Map<String, String> answers = new LinkedHashMap<>(Map.of(
                "version", "PostgreSQL " + major + ".3 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
                "server_version_num", major + "0003",
                "default_transaction_isolation", "read committed",
                "default_transaction_read_only", "off",
                "in_hot_standby", "off",
                "aurora", "0"));
        answers.putAll(different);
        Identity identity =
                new Identity("PostgreSQL", major + ".3", driver, "42.7.14", "jdbc:postgresql://db/shop", autocommit);
        return DIALECT.profile(identity, new Answers(answers));
    }
}
