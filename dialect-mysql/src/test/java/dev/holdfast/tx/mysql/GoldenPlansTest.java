package dev.holdfast.tx.mysql;

import static dev.holdfast.tx.Isolation.READ_COMMITTED;
import static dev.holdfast.tx.Isolation.READ_UNCOMMITTED;
import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.Isolation.SNAPSHOT;
import static dev.holdfast.tx.mysql.MysqlOptions.CONSISTENT_SNAPSHOT;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofNanos;
import static java.time.Duration.ofSeconds;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.spi.Wish.Target;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the server receives, in {@code src/test/resources/plans}; {@code -Dholdfast.golden=update} writes it anew. */
class GoldenPlansTest {
    private static final MysqlDialect DIALECT = new MysqlDialect();
    private static final TxOptions NONE = TxOptions.none();

    /** Every option alone. */
    private static Map<String, TxOptions> alone() {
        Map<String, TxOptions> all = new LinkedHashMap<>();
        all.put("plain", NONE);
        for (Isolation level : Isolation.values()) {
            all.put(level.name(), TxOptions.of(level));
        }
        for (Access access : Access.values()) {
            all.put(access.name(), NONE.access(access));
        }
        all.put("defer all", NONE.deferConstraints());
        all.put("check all at once", NONE.checkConstraintsImmediately());
        all.put("begin mode", NONE.beginMode(BeginMode.IMMEDIATE));
        all.put("lock timeout", NONE.lockTimeout(ofSeconds(2)));
        all.put("a lock timeout is rounded up", NONE.lockTimeout(ofMillis(2001)));
        all.put("a lock timeout ends at what the server can count", NONE.lockTimeout(Duration.ofDays(1000)));
        all.put("statement timeout", NONE.statementTimeout(ofMillis(1500)));
        all.put("a statement timeout is rounded up", NONE.statementTimeout(ofNanos(1)));
        all.put("a statement timeout ends at what the server can count", NONE.statementTimeout(Duration.ofDays(1000)));
        all.put("whole timeout", NONE.wholeTimeout(ofSeconds(30)));
        all.put("verifiable", NONE.verifiable());
        all.put("consistent snapshot", NONE.with(CONSISTENT_SNAPSHOT, true));
        all.put("no consistent snapshot", NONE.with(CONSISTENT_SNAPSHOT, false));
        all.put("labelled", NONE.label("checkout"));
        return all;
    }

    private static Map<String, TxOptions> combinations() {
        TxOptions report = TxOptions.of(SERIALIZABLE).readOnly();
        TxOptions limits = NONE.lockTimeout(ofSeconds(2)).statementTimeout(ofSeconds(5));
        TxOptions snapshot = NONE.with(CONSISTENT_SNAPSHOT, true);
        Map<String, TxOptions> all = new LinkedHashMap<>();
        all.put("serializable, read-only", report);
        all.put("repeatable read, read-only", TxOptions.of(REPEATABLE_READ).readOnly());
        all.put("read committed, read-only", TxOptions.of(READ_COMMITTED).readOnly());
        all.put("snapshot, read-only", TxOptions.of(SNAPSHOT).readOnly());
        all.put("serializable, read-write", TxOptions.of(SERIALIZABLE).readWrite());
        all.put("read committed, hint", TxOptions.of(READ_COMMITTED).readOnlyHint());
        all.put("read-only, consistent snapshot", snapshot.readOnly());
        all.put("repeatable read, consistent snapshot", snapshot.isolation(REPEATABLE_READ));
        all.put("snapshot, consistent snapshot", snapshot.isolation(SNAPSHOT));
        all.put("read committed, consistent snapshot", snapshot.isolation(READ_COMMITTED));
        all.put("serializable, consistent snapshot", snapshot.isolation(SERIALIZABLE));
        all.put(
                "repeatable read, no consistent snapshot",
                TxOptions.of(REPEATABLE_READ).with(CONSISTENT_SNAPSHOT, false));
        all.put("read-only, one limit", NONE.readOnly().statementTimeout(ofMillis(1500)));
        all.put("read-only, label", NONE.readOnly().label("report"));
        all.put("both limits", limits);
        all.put("three limits", limits.wholeTimeout(ofSeconds(30)));
        all.put("serializable, both limits", limits.isolation(SERIALIZABLE));
        all.put("snapshot, both limits", limits.isolation(SNAPSHOT));
        all.put("read uncommitted, lock timeout", TxOptions.of(READ_UNCOMMITTED).lockTimeout(ofSeconds(1)));
        all.put("deferred constraints, limits", limits.deferConstraints());
        all.put("serializable, verifiable", TxOptions.of(SERIALIZABLE).verifiable());
        all.put("begin mode, label", NONE.beginMode(BeginMode.EXCLUSIVE).label("import"));
        all.put("consistent snapshot, both limits", limits.with(CONSISTENT_SNAPSHOT, true));
        all.put(
                "everything that writes",
                limits.isolation(SERIALIZABLE).readWrite().wholeTimeout(ofSeconds(30)));
        all.put(
                "everything that reads",
                limits.isolation(REPEATABLE_READ)
                        .readOnly()
                        .wholeTimeout(ofSeconds(30))
                        .with(CONSISTENT_SNAPSHOT, true));
        return all;
    }

    private static void verify(String theme, String server, Profiles.Making profile) {
        verify(theme, server, profile, alone(), combinations());
    }

    @SafeVarargs
    private static void verify(
            String theme, String server, Profiles.Making making, Map<String, TxOptions>... optionSets) {
        GoldenPlans golden = GoldenPlans.file(theme).section(server);
        Profile profile = making.made();
        for (Map<String, TxOptions> options : optionSets) {
            options.forEach((name, asked) -> golden.plan(name, DIALECT, profile, asked));
        }
        golden.verify();
    }

    @Test
    void mysql_with_autocommit_off_and_several_statements_in_a_text() {
        verify("mysql-off-together", "MySQL 9.7, Connector/J, pool with autocommit off", Profiles.mysql());
    }

    @Test
    void mysql_with_autocommit_on_and_several_statements_in_a_text() {
        verify(
                "mysql-on-together",
                "MySQL 9.7, Connector/J, pool with autocommit on",
                Profiles.mysql().autocommit(Autocommit.ON));
    }

    @Test
    void mysql_with_autocommit_off_and_one_statement_in_a_text() {
        verify(
                "mysql-off-one-by-one",
                "MySQL 9.7, Connector/J, one statement by one, pool with autocommit off",
                Profiles.mysql().oneByOne());
    }

    @Test
    void mysql_with_autocommit_on_and_one_statement_in_a_text() {
        verify(
                "mysql-on-one-by-one",
                "MySQL 9.7, Connector/J, one statement by one, pool with autocommit on",
                Profiles.mysql().oneByOne().autocommit(Autocommit.ON));
    }

    @Test
    void mariadb_by_mysqls_driver() {
        verify("mariadb-connector-j", "MariaDB 10.11, Connector/J, pool with autocommit off", Profiles.mariadb());
    }

    @Test
    void mariadb_by_its_own_driver() {
        verify(
                "mariadb-own-driver",
                "MariaDB 10.11, MariaDB Connector/J, pool with autocommit off",
                Profiles.mariadb().by(JdbcDriver.MARIADB));
    }

    @Test
    void mariadb_by_its_own_driver_in_batches() {
        verify(
                "mariadb-on-batches",
                "MariaDB 10.11, MariaDB Connector/J, one statement by one, pool with autocommit on",
                Profiles.mariadb().by(JdbcDriver.MARIADB).oneByOne().autocommit(Autocommit.ON));
    }

    @Test
    void a_driver_that_cannot_be_seen() {
        verify(
                "hidden-driver",
                "MySQL 9.7, Connector/J behind a pool that hides it, pool with autocommit on",
                Profiles.mysql().hidden().autocommit(Autocommit.ON),
                alone());
    }

    @Test
    void what_others_of_the_family_lack_is_refused() {
        GoldenPlans golden = GoldenPlans.file("family");
        Map<String, Profiles.Making> family = new LinkedHashMap<>();
        family.put("TiDB", Profiles.saying("8.0.11-TiDB-v8.5.1"));
        family.put("Vitess", Profiles.saying("8.0.30-Vitess"));
        family.put("Aurora", Profiles.saying("8.0.39").says("aurora_version", "3.08.0"));
        family.put(
                "MariaDB 11.8, snapshot isolation by default",
                Profiles.saying("11.8.2-MariaDB").says("innodb_snapshot_isolation", "ON"));
        family.put("MySQL, transactions read-only by default", Profiles.mysql().says("transaction_read_only", "ON"));
        family.forEach((name, making) -> {
            Profile profile = making.made();
            golden.section(name);
            alone().forEach((title, options) -> golden.plan(title, DIALECT, profile, options));
        });
        golden.verify();
    }

    @Test
    void what_the_engine_wants_carried_along() {
        GoldenPlans golden = GoldenPlans.file("carried").section("MySQL 9.7, Connector/J, pool with autocommit off");
        Profile profile = Profiles.mysql().made();
        for (Carry carry : List.of(Carry.TX_ID, Carry.POSITION, Carry.MARKER)) {
            golden.plan("carrying", DIALECT, profile, Wish.of(NONE).carrying(carry));
        }
        Wish position = Wish.of(NONE).carrying(Carry.POSITION);
        golden.plan(
                "with GTIDs", DIALECT, Profiles.mysql().says("gtid_mode", "ON").made(), position);
        golden.plan(
                "with GTIDs, one statement in a text",
                DIALECT,
                Profiles.mysql().says("gtid_mode", "ON").oneByOne().made(),
                position);
        golden.plan(
                "MariaDB, with a log",
                DIALECT,
                Profiles.mariadb().says("log_bin", "ON").made(),
                position);
        for (Access access : Access.values()) {
            golden.plan(
                    "to a replica",
                    DIALECT,
                    profile,
                    Wish.of(NONE.access(access)).to(Target.REPLICA));
        }
        golden.verify();
    }

    @Test
    void savepoints() {
        GoldenPlans golden = GoldenPlans.file("savepoints");
        Map<String, Profiles.Making> ways = new LinkedHashMap<>();
        ways.put("several statements in a text", Profiles.mysql());
        ways.put("one statement in a text", Profiles.mysql().oneByOne());
        ways.put("in batches", Profiles.mariadb().by(JdbcDriver.MARIADB).oneByOne());
        ways.forEach((name, making) -> {
            var savepoints = DIALECT.savepoints(making.made());
            golden.section(name)
                    .entry("set", () -> savepoints.set("hf_1").toString())
                    .entry("roll back to", () -> savepoints.rollbackTo("hf_1").toString())
                    .entry("release", () -> savepoints.release("hf_1").toString());
        });
        golden.verify();
    }
}
