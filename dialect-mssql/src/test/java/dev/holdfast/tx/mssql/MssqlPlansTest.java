package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.Isolation.READ_COMMITTED;
import static dev.holdfast.tx.Isolation.READ_UNCOMMITTED;
import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.Isolation.SNAPSHOT;
import static dev.holdfast.tx.mssql.MssqlOptions.XACT_ABORT;
import static dev.holdfast.tx.mssql.Profiles.DIALECT;
import static java.time.Duration.ofNanos;
import static java.time.Duration.ofSeconds;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.spi.Wish.Target;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the server receives, in {@code src/test/resources/plans}; {@code -Dholdfast.golden=update} writes it anew. */
class MssqlPlansTest {
    private static final TxOptions NONE = TxOptions.none();

    /** Every option alone. */
    static Map<String, TxOptions> alone() {
        Map<String, TxOptions> all = new LinkedHashMap<>();
        all.put("plain", NONE);
        for (Isolation level : Isolation.values()) {
            all.put(level.name(), TxOptions.of(level));
        }
        for (Access access : Access.values()) {
            all.put(access.name(), NONE.access(access));
        }
        all.put("defer all", NONE.deferConstraints());
        all.put("defer by name", NONE.deferConstraints("item_fk"));
        all.put("check all at once", NONE.checkConstraintsImmediately());
        for (BeginMode mode : BeginMode.values()) {
            all.put("begin mode " + mode, NONE.beginMode(mode));
        }
        all.put("lock timeout", NONE.lockTimeout(ofSeconds(2)));
        all.put("a lock timeout is rounded up", NONE.lockTimeout(ofNanos(1)));
        all.put("a lock timeout ends at what the server can count", NONE.lockTimeout(Duration.ofDays(100)));
        all.put("the longest lock timeout there is", NONE.lockTimeout(ofNanos(Long.MAX_VALUE)));
        all.put("statement timeout", NONE.statementTimeout(ofSeconds(5)));
        all.put("whole timeout", NONE.wholeTimeout(ofSeconds(30)));
        all.put("verifiable", NONE.verifiable());
        all.put("xact abort on", NONE.with(XACT_ABORT, true));
        all.put("xact abort off", NONE.with(XACT_ABORT, false));
        all.put("labelled", NONE.label("checkout"));
        return all;
    }

    /** Options that are the engine's: the server receives nothing of them. */
    private static Map<String, TxOptions> ofTheEngine() {
        Map<String, TxOptions> all = new LinkedHashMap<>();
        for (Propagation propagation : Propagation.values()) {
            all.put("propagation " + propagation, NONE.propagation(propagation));
        }
        for (Completion completion : Completion.values()) {
            all.put("completion " + completion, NONE.completion(completion));
        }
        all.put("acquire timeout", NONE.acquireTimeout(ofSeconds(1)));
        all.put("retry", NONE.retry(RetryPolicy.attempts(3)));
        all.put("reads", NONE.reads(Reads.primary()));
        return all;
    }

    static Map<String, TxOptions> combinations() {
        TxOptions limits = NONE.lockTimeout(ofSeconds(2)).statementTimeout(ofSeconds(5));
        TxOptions aborting = NONE.with(XACT_ABORT, true);
        Map<String, TxOptions> all = new LinkedHashMap<>();
        for (Isolation level : Isolation.values()) {
            all.put(level + ", lock timeout", TxOptions.of(level).lockTimeout(ofSeconds(2)));
            all.put(level + ", xact abort", aborting.isolation(level));
            all.put(
                    level + ", lock timeout, xact abort",
                    aborting.isolation(level).lockTimeout(ofSeconds(2)));
        }
        all.put("both limits", limits);
        all.put("three limits", limits.wholeTimeout(ofSeconds(30)));
        all.put("serializable, three limits", limits.wholeTimeout(ofSeconds(30)).isolation(SERIALIZABLE));
        all.put("lock timeout, xact abort", aborting.lockTimeout(ofSeconds(1)));
        all.put("lock timeout, no xact abort", NONE.with(XACT_ABORT, false).lockTimeout(ofSeconds(1)));
        all.put("serializable, read-write", TxOptions.of(SERIALIZABLE).readWrite());
        all.put("serializable, read-only", TxOptions.of(SERIALIZABLE).readOnly());
        all.put("read committed, hint", TxOptions.of(READ_COMMITTED).readOnlyHint());
        all.put(
                "read uncommitted, hint, limits",
                limits.isolation(READ_UNCOMMITTED).readOnlyHint());
        all.put("snapshot, hint", TxOptions.of(SNAPSHOT).readOnlyHint());
        all.put(
                "repeatable read, deferred constraints",
                TxOptions.of(REPEATABLE_READ).deferConstraints());
        all.put("serializable, verifiable", TxOptions.of(SERIALIZABLE).verifiable());
        all.put("begin mode, label", NONE.beginMode(BeginMode.IMMEDIATE).label("import"));
        all.put(
                "everything",
                limits.isolation(SERIALIZABLE)
                        .readWrite()
                        .wholeTimeout(ofSeconds(30))
                        .label("everything")
                        .with(XACT_ABORT, true));
        return all;
    }

    private static void plans(GoldenPlans golden, String section, Profile profile, Map<String, TxOptions> options) {
        golden.section(section);
        options.forEach((name, asked) -> golden.plan(name, DIALECT, profile, asked));
    }

    @Test
    void everyOptionAlone() {
        GoldenPlans golden = GoldenPlans.file("options");
        plans(golden, "SQL Server 2022, pool on autocommit", Profiles.usual(), alone());
        golden.verify();
    }

    @Test
    void whatIsTheEnginesIsNotSent() {
        GoldenPlans golden = GoldenPlans.file("engine-options");
        plans(golden, "SQL Server 2022, pool on autocommit", Profiles.usual(), ofTheEngine());
        golden.verify();
    }

    @Test
    void optionsTogether() {
        GoldenPlans golden = GoldenPlans.file("combinations");
        plans(golden, "SQL Server 2022, pool on autocommit", Profiles.usual(), combinations());
        golden.verify();
    }

    @Test
    void poolWithAutocommitOff() {
        GoldenPlans golden = GoldenPlans.file("autocommit-off");
        plans(golden, "SQL Server 2022, pool with autocommit off", Profiles.autocommitOff(), alone());
        plans(golden, "SQL Server 2022, pool with autocommit off, together", Profiles.autocommitOff(), combinations());
        golden.verify();
    }

    @Test
    void otherServers() {
        GoldenPlans golden = GoldenPlans.file("servers");
        plans(golden, "Azure SQL Database", Profiles.azure(), alone());
        plans(golden, "a readable secondary", Profiles.secondary(), alone());
        plans(golden, "a database that is READ_ONLY", Profiles.readOnlyDatabase(), alone());
        golden.verify();
    }

    @Test
    void whatTheEngineNeedsCarriedAlong() {
        GoldenPlans golden = GoldenPlans.file("carried").section("SQL Server 2022, pool on autocommit");
        for (Carry carry : Carry.values()) {
            golden.plan(carry.name(), DIALECT, Profiles.usual(), Wish.of(NONE).carrying(carry));
        }
        golden.plan(
                "to a replica",
                DIALECT,
                Profiles.secondary(),
                Wish.of(NONE.readOnly()).to(Target.REPLICA));
        golden.verify();
    }

    @Test
    void savepoints() {
        Savepoints savepoints = DIALECT.savepoints(Profiles.usual());
        GoldenPlans.file("savepoints")
                .section("SQL Server 2022")
                .entry("set", () -> savepoints.set("hf_1").toString())
                .entry("roll back to", () -> savepoints.rollbackTo("hf_1").toString())
                .entry("release", () -> savepoints.release("hf_1").toString())
                .verify();
    }

    private static Map<String, RowLock> locks() {
        Map<String, RowLock> all = new LinkedHashMap<>();
        for (Strength strength : Strength.values()) {
            RowLock lock = switch (strength) {
                case UPDATE -> RowLock.forUpdate();
                case NO_KEY_UPDATE -> RowLock.forNoKeyUpdate();
                case SHARE -> RowLock.forShare();
                case KEY_SHARE -> RowLock.forKeyShare();
            };
            all.put(strength + "", lock);
            all.put(strength + ", no wait", lock.noWait());
            all.put(strength + ", skip locked", lock.skipLocked());
        }
        all.put("UPDATE of a table", RowLock.forUpdate().of("o"));
        all.put("UPDATE, wait at most", RowLock.forUpdate().waitAtMost(ofSeconds(2)));
        all.put(
                "SHARE of two tables, wait at most",
                RowLock.forShare().of("o", "i").waitAtMost(ofNanos(1)));
        return all;
    }

    private static void locks(GoldenPlans golden, String section, Profile profile, TxOptions inForce) {
        golden.section(section);
        locks().forEach((name, lock) -> golden.lock(name, DIALECT, profile, lock, Wish.of(inForce)));
    }

    @Test
    void rowLocks() {
        GoldenPlans golden = GoldenPlans.file("locks");
        locks(golden, "SQL Server 2022", Profiles.usual(), NONE);
        locks(golden, "Azure SQL Database, where READ COMMITTED reads versions", Profiles.azure(), NONE);
        for (Isolation level : Isolation.values()) {
            locks(golden, "Azure SQL Database, at " + level, Profiles.azure(), TxOptions.of(level));
        }
        locks(golden, "a readable secondary", Profiles.secondary(), NONE);
        golden.verify();
    }
}
