package dev.holdfast.tx.mssql;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import java.util.LinkedHashMap;
import java.util.Map;

/** Profiles of servers that need not run, from what such a server answers to the probe. */
final class Profiles {
    static final MssqlDialect DIALECT = new MssqlDialect();

    private Profiles() {}

    /** SQL Server 2022 as it is installed. */
    static Profile usual() {
        return answering(Map.of());
    }

    static Profile autocommitOff() {
        return of(Autocommit.OFF, Map.of());
    }

    /** As Azure SQL Database is made: row versions at READ COMMITTED, SNAPSHOT to be had, version 12. */
    static Profile azure() {
        return answering(Map.of(
                "engine_edition", "5",
                "product_version", "12.0.2000.8",
                "read_committed_snapshot", "1",
                "snapshot_isolation_state", "1"));
    }

    /** A secondary that is read through ApplicationIntent=ReadOnly. */
    static Profile secondary() {
        return answering(Map.of("updateability", "READ_ONLY"));
    }

    /** A database that is READ_ONLY for everybody. */
    static Profile readOnlyDatabase() {
        return answering(Map.of("updateability", "READ_ONLY", "is_read_only", "1"));
    }

    static Profile aborting() {
        return answering(Map.of("xact_abort", "ON"));
    }

    static Profile answering(Map<String, String> different) {
        return of(Autocommit.ON, different);
    }

    static Profile of(Autocommit autocommit, Map<String, String> different) {
        Map<String, String> answers = new LinkedHashMap<>(Map.of(
                "engine_edition", "3",
                "product_version", "16.0.4185.3",
                "read_committed_snapshot", "0",
                "snapshot_isolation_state", "0",
                "is_read_only", "0",
                "updateability", "READ_WRITE",
                "isolation", "2",
                "xact_abort", "OFF"));
        answers.putAll(different);
        return DIALECT.profile(identity(autocommit), new Answers(answers));
    }

    static Identity identity(Autocommit autocommit) {
        return new Identity(
                "Microsoft SQL Server",
                "16.00.4185",
                "Microsoft JDBC Driver 13.6 for SQL Server",
                "13.6.2.0",
                "jdbc:sqlserver://db",
                autocommit);
    }
}
