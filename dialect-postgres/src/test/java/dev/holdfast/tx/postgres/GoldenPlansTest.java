package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.Isolation.READ_COMMITTED;
import static dev.holdfast.tx.Isolation.READ_UNCOMMITTED;
import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.Isolation.SNAPSHOT;
import static dev.holdfast.tx.postgres.PostgresOptions.DEFERRABLE;
import static dev.holdfast.tx.postgres.PostgresOptions.LABEL_AS_APPLICATION_NAME;
import static dev.holdfast.tx.postgres.PostgresOptions.SYNCHRONOUS_COMMIT;
import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static java.time.Duration.ofMillis;
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
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.postgres.PostgresOptions.SynchronousCommit;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.spi.Wish.Target;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What the server receives, in {@code src/test/resources/plans}; {@code -Dholdfast.golden=update} writes it anew. */
class GoldenPlansTest {
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
        all.put("defer by name", NONE.deferConstraints("shop.item_fk", "Odd \"name\"; --"));
        all.put("check all at once", NONE.checkConstraintsImmediately());
        all.put("check by name at once", NONE.checkConstraintsImmediately("item_fk"));
        for (BeginMode mode : BeginMode.values()) {
            all.put("begin mode " + mode, NONE.beginMode(mode));
        }
        all.put("lock timeout", NONE.lockTimeout(ofSeconds(2)));
        all.put("statement timeout", NONE.statementTimeout(ofSeconds(5)));
        all.put("whole timeout", NONE.wholeTimeout(ofSeconds(30)));
        all.put("a timeout is rounded up", NONE.lockTimeout(ofNanos(1)));
        all.put("a timeout ends at what the server can count", NONE.statementTimeout(Duration.ofDays(100)));
        all.put("a whole timeout is capped too", NONE.wholeTimeout(Duration.ofDays(100_000)));
        all.put("verifiable", NONE.verifiable());
        all.put("deferrable alone", NONE.with(DEFERRABLE, true));
        all.put("not deferrable", NONE.with(DEFERRABLE, false));
        for (SynchronousCommit value : SynchronousCommit.values()) {
            all.put("synchronous commit " + value, NONE.with(SYNCHRONOUS_COMMIT, value));
        }
        all.put("labelled", NONE.label("checkout"));
        all.put("labelled, for all to see", NONE.label("checkout").with(LABEL_AS_APPLICATION_NAME, true));
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
        all.put("label", NONE.label("checkout"));
        all.put("label in SQL", NONE.label("checkout").labelInSql());
        return all;
    }

    static Map<String, TxOptions> combinations() {
        TxOptions report = TxOptions.of(SERIALIZABLE).readOnly();
        TxOptions timeouts = NONE.lockTimeout(ofSeconds(2)).statementTimeout(ofSeconds(5));
        Map<String, TxOptions> all = new LinkedHashMap<>();
        all.put("serializable, read-only", report);
        all.put("serializable, read-only, deferrable", report.with(DEFERRABLE, true));
        all.put("serializable, read-only, not deferrable", report.with(DEFERRABLE, false));
        all.put(
                "serializable, deferrable, may write",
                TxOptions.of(SERIALIZABLE).with(DEFERRABLE, true));
        all.put("read-only, deferrable", NONE.readOnly().with(DEFERRABLE, true));
        all.put("repeatable read, read-only", TxOptions.of(REPEATABLE_READ).readOnly());
        all.put("snapshot, read-only", TxOptions.of(SNAPSHOT).readOnly());
        all.put("serializable, read-write", TxOptions.of(SERIALIZABLE).readWrite());
        all.put("read committed, hint", TxOptions.of(READ_COMMITTED).readOnlyHint());
        all.put("read-only, not deferrable", NONE.readOnly().with(DEFERRABLE, false));
        all.put("read-only, one limit", NONE.readOnly().statementTimeout(ofMillis(1500)));
        all.put("read-only, label", NONE.readOnly().label("report"));
        all.put(
                "read-only, label for all to see",
                NONE.readOnly().label("report").with(LABEL_AS_APPLICATION_NAME, true));
        all.put("both limits", timeouts);
        all.put("three limits", timeouts.wholeTimeout(ofSeconds(30)));
        all.put(
                "serializable, three limits",
                timeouts.wholeTimeout(ofSeconds(30)).isolation(SERIALIZABLE));
        all.put("deferred constraints, limits", timeouts.deferConstraints());
        all.put("serializable, deferred constraints", TxOptions.of(SERIALIZABLE).deferConstraints("a", "b"));
        all.put("read uncommitted, limit", TxOptions.of(READ_UNCOMMITTED).lockTimeout(ofSeconds(1)));
        all.put("serializable, verifiable", TxOptions.of(SERIALIZABLE).verifiable());
        all.put("verifiable, limit", NONE.verifiable().lockTimeout(ofSeconds(1)));
        all.put("verifiable, read-only", NONE.verifiable().readOnly());
        all.put(
                "synchronous commit, limit",
                NONE.with(SYNCHRONOUS_COMMIT, SynchronousCommit.OFF).lockTimeout(ofSeconds(1)));
        all.put("begin mode, label", NONE.beginMode(BeginMode.IMMEDIATE).label("import"));
        all.put(
                "everything that writes",
                timeouts.isolation(SERIALIZABLE)
                        .readWrite()
                        .wholeTimeout(ofSeconds(30))
                        .deferConstraints()
                        .verifiable()
                        .with(SYNCHRONOUS_COMMIT, SynchronousCommit.REMOTE_APPLY));
        all.put(
                "everything that reads",
                timeouts.isolation(SERIALIZABLE)
                        .readOnly()
                        .wholeTimeout(ofSeconds(30))
                        .checkConstraintsImmediately()
                        .with(DEFERRABLE, true)
                        .with(SYNCHRONOUS_COMMIT, SynchronousCommit.ON));
        return all;
    }

    private static GoldenPlans plans(GoldenPlans golden, Profile profile, Map<String, TxOptions> options) {
        options.forEach((name, asked) -> golden.plan(name, DIALECT, profile, asked));
        return golden;
    }

    @Test
    void everyOptionAlone() {
        Profile profile = Profiles.postgres(18);
        GoldenPlans golden = GoldenPlans.file("options").section("PostgreSQL 18, pool on autocommit");
        plans(golden, profile, alone()).verify();
    }

    @Test
    void whatIsTheEnginesIsNotSent() {
        GoldenPlans golden = GoldenPlans.file("engine-options").section("PostgreSQL 18, pool on autocommit");
        plans(golden, Profiles.postgres(18), ofTheEngine()).verify();
    }

    @Test
    void optionsTogether() {
        GoldenPlans golden = GoldenPlans.file("combinations").section("PostgreSQL 18, pool on autocommit");
        plans(golden, Profiles.postgres(18), combinations()).verify();
    }

    @Test
    void onlyWhatDiffersOnVersion14() {
        Profile profile = Profiles.postgres(14);
        Map<String, TxOptions> all = alone();
        all.putAll(combinations());
        GoldenPlans golden =
                GoldenPlans.file("version-14").section("PostgreSQL 14, pool on autocommit: where it differs from 18");
        plans(golden, profile, differing(all, profile)).verify();
    }

    private static Map<String, TxOptions> differing(Map<String, TxOptions> all, Profile profile) {
        Profile newest = Profiles.postgres(18);
        return all.entrySet().stream()
                .filter(each -> !text(newest, each.getValue()).equals(text(profile, each.getValue())))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
    }

    private static String text(Profile profile, TxOptions options) {
        try {
            return DIALECT.plan(Wish.of(options), profile).describe();
        } catch (TxUnsupportedException refusal) {
            return String.valueOf(refusal.getMessage())
                    .replace(profile.server(), "")
                    .replace(" as a standby", "");
        }
    }

    @Test
    void poolOffAutocommit() {
        Profile profile = Profiles.autocommitOff(18);
        GoldenPlans golden = GoldenPlans.file("autocommit-off").section("PostgreSQL 18, pool off autocommit");
        golden.plan("plain", DIALECT, profile, NONE)
                .plan("read-only", DIALECT, profile, NONE.readOnly())
                .plan("serializable", DIALECT, profile, TxOptions.of(SERIALIZABLE))
                .plan("position", DIALECT, profile, Wish.of(NONE).carrying(Carry.POSITION));
        plans(golden, profile, Map.of("everything that writes", combinations().get("everything that writes")));
        golden.verify();
    }

    @Test
    void anotherDriverGetsTheFenceAsText() {
        GoldenPlans golden = GoldenPlans.file("other-driver");
        for (Autocommit autocommit : Autocommit.values()) {
            Profile profile = Profiles.otherDriver(autocommit);
            golden.section("PostgreSQL 18 through an unknown driver, autocommit " + autocommit)
                    .plan("plain", DIALECT, profile, NONE)
                    .plan("read-only", DIALECT, profile, NONE.readOnly())
                    .plan("serializable", DIALECT, profile, TxOptions.of(SERIALIZABLE))
                    .plan("position", DIALECT, profile, Wish.of(NONE).carrying(Carry.POSITION));
        }
        golden.verify();
    }

    @Test
    void whatTheEngineHasCarriedAlong() {
        Profile profile = Profiles.postgres(18);
        Wish plain = Wish.of(NONE);
        GoldenPlans golden = GoldenPlans.file("carried").section("PostgreSQL 18, pool on autocommit");
        golden.plan("id", DIALECT, profile, plain.carrying(Carry.TX_ID))
                .plan(
                        "id and options",
                        DIALECT,
                        profile,
                        Wish.of(TxOptions.of(SERIALIZABLE)).carrying(Carry.TX_ID))
                .plan(
                        "id, read-only",
                        DIALECT,
                        profile,
                        Wish.of(NONE.readOnly()).carrying(Carry.TX_ID))
                .plan("position", DIALECT, profile, plain.carrying(Carry.POSITION))
                .plan(
                        "id and position",
                        DIALECT,
                        profile,
                        plain.carrying(Carry.TX_ID).carrying(Carry.POSITION))
                .plan(
                        "position, read-only",
                        DIALECT,
                        profile,
                        Wish.of(NONE.readOnly()).carrying(Carry.POSITION))
                .plan("marker", DIALECT, profile, plain.carrying(Carry.MARKER))
                .entry(
                        "settlement",
                        () -> DIALECT.settlement(profile)
                                .map(Settlement::question)
                                .orElseThrow()
                                .toString());
        golden.verify();
    }

    @Test
    void standbysAndReplicas() {
        GoldenPlans golden =
                GoldenPlans.file("standby").section("PostgreSQL 18, a data source that leads to a standby");
        plans(golden, Profiles.standby(), differing(alone(), Profiles.standby()));
        Profile primary = Profiles.postgres(18);
        golden.section("PostgreSQL 18, a replica of the data source");
        Map<String, TxOptions> asked = new LinkedHashMap<>();
        asked.put("plain", NONE);
        asked.put("read-only", NONE.readOnly());
        asked.put("hint", NONE.readOnlyHint());
        asked.put("repeatable read", TxOptions.of(REPEATABLE_READ).readOnly());
        asked.put("read-write", NONE.readWrite());
        asked.put("serializable", TxOptions.of(SERIALIZABLE).readOnly());
        asked.put("verifiable", NONE.verifiable());
        asked.forEach((name, options) ->
                golden.plan(name, DIALECT, primary, Wish.of(options).to(Target.REPLICA)));
        golden.plan(
                "position",
                DIALECT,
                primary,
                Wish.of(NONE).carrying(Carry.POSITION).to(Target.REPLICA));
        Profile serializable = Profiles.answering(Map.of("default_transaction_isolation", "serializable"));
        golden.section("PostgreSQL 18, a replica where default_transaction_isolation = serializable")
                .plan(
                        "read-only",
                        DIALECT,
                        serializable,
                        Wish.of(NONE.readOnly()).to(Target.REPLICA));
        golden.verify();
    }

    @Test
    void readOnlyByDefault() {
        Profile profile = Profiles.answering(Map.of("default_transaction_read_only", "on"));
        GoldenPlans golden =
                GoldenPlans.file("read-only-by-default").section("PostgreSQL 18, default_transaction_read_only = on");
        plans(golden, profile, differing(alone(), profile)).verify();
    }

    @Test
    void cockroachDb() {
        Profile profile = Profiles.cockroach();
        GoldenPlans golden =
                GoldenPlans.file("cockroachdb").section("CockroachDB: where it differs from PostgreSQL 18");
        plans(golden, profile, differing(alone(), profile))
                .plan("id", DIALECT, profile, Wish.of(NONE).carrying(Carry.TX_ID))
                .plan("position", DIALECT, profile, Wish.of(NONE).carrying(Carry.POSITION));
        locks(golden, profile);
        golden.verify();
    }

    @Test
    void yugabyteDb() {
        Profile profile = Profiles.yugabyte();
        GoldenPlans golden = GoldenPlans.file("yugabytedb").section("YugabyteDB: where it differs from PostgreSQL 18");
        plans(golden, profile, differing(alone(), profile))
                .plan("id", DIALECT, profile, Wish.of(NONE).carrying(Carry.TX_ID))
                .plan("position", DIALECT, profile, Wish.of(NONE).carrying(Carry.POSITION));
        locks(golden, profile);
        golden.verify();
    }

    @Test
    void aurora() {
        Profile profile = Profiles.aurora();
        GoldenPlans golden =
                GoldenPlans.file("aurora").section("Aurora PostgreSQL 17: where it differs from PostgreSQL 18");
        plans(golden, profile, differing(alone(), profile))
                .plan("position", DIALECT, profile, Wish.of(NONE).carrying(Carry.POSITION))
                .verify();
    }

    @Test
    void rowLocks() {
        GoldenPlans golden = GoldenPlans.file("locks");
        golden.section("PostgreSQL 18");
        locks(golden, Profiles.postgres(18));
        golden.lock(
                "where nothing may be locked",
                DIALECT,
                Profiles.postgres(18),
                RowLock.forUpdate(),
                Wish.of(NONE.readOnly().label("report")));
        golden.section("PostgreSQL 18 as a standby")
                .lock("any", DIALECT, Profiles.standby(), RowLock.forShare(), Wish.of(NONE));
        golden.section("PostgreSQL 18, a replica")
                .lock(
                        "any",
                        DIALECT,
                        Profiles.postgres(18),
                        RowLock.forShare(),
                        Wish.of(NONE).to(Target.REPLICA));
        golden.verify();
    }

    private static void locks(GoldenPlans golden, Profile profile) {
        Map<String, RowLock> all = new LinkedHashMap<>();
        all.put("update", RowLock.forUpdate());
        all.put("no key update", RowLock.forNoKeyUpdate());
        all.put("share", RowLock.forShare());
        all.put("key share", RowLock.forKeyShare());
        all.put("of one", RowLock.forUpdate().of("j"));
        all.put("of two, at once", RowLock.forShare().of("j", "q").noWait());
        all.put("at once", RowLock.forUpdate().noWait());
        all.put("leave out", RowLock.forUpdate().skipLocked());
        all.put("wait at most", RowLock.forUpdate().waitAtMost(ofMillis(250)));
        all.forEach((name, lock) -> golden.lock(name, DIALECT, profile, lock, Wish.of(NONE)));
        golden.lock("share", DIALECT, profile, RowLock.forShare(), Wish.of(TxOptions.of(READ_COMMITTED)));
        golden.lock("key share", DIALECT, profile, RowLock.forKeyShare(), Wish.of(TxOptions.of(READ_COMMITTED)));
        golden.lock("at once", DIALECT, profile, RowLock.forUpdate().noWait(), Wish.of(TxOptions.of(REPEATABLE_READ)));
        golden.lock(
                "leave out", DIALECT, profile, RowLock.forUpdate().skipLocked(), Wish.of(TxOptions.of(SERIALIZABLE)));
        golden.lock(
                "wait at most",
                DIALECT,
                profile,
                RowLock.forShare().waitAtMost(ofSeconds(1)),
                Wish.of(NONE.lockTimeout(ofSeconds(3))));
    }

    @Test
    void savepoints() {
        Savepoints savepoints = DIALECT.savepoints(Profiles.postgres(18));
        GoldenPlans.file("savepoints")
                .section("All of the family")
                .entry("set", () -> savepoints.set("hf_1").toString())
                .entry("roll back to", () -> savepoints.rollbackTo("hf_1").toString())
                .entry("release", () -> savepoints.release("hf_1").toString())
                .verify();
    }
}
