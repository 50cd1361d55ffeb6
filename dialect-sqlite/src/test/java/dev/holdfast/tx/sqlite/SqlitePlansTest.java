package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** If a golden file differs, look at SqlitePlans; if a feature and a refusal disagree, at SqliteFacts as well. */
class SqlitePlansTest {
    private static final SqliteDialect DIALECT = new SqliteDialect();
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration TWO_SECONDS = Duration.ofSeconds(2);

    static Profile profile(Autocommit autocommit, String... answers) {
        Map<String, String> all = new HashMap<>(Map.of(
                "sqlite_version", "3.54.1",
                "query_only", "0",
                "read_uncommitted", "0",
                "foreign_keys", "1",
                "busy_timeout", "5000",
                "journal_mode", "wal"));
        for (int i = 0; i < answers.length; i += 2) {
            all.put(answers[i], answers[i + 1]);
        }
        return DIALECT.profile(
                new Identity("SQLite", "3.54.1", "SQLite JDBC", "3.54.1.0", "jdbc:sqlite:shop.db", autocommit),
                new Answers(all));
    }

    /** Of a pool that gives the driver's own connections out. */
    private static Profile unwrapping(Profile profile) {
        return DIALECT.profile(
                profile.identity().driverSettings(Map.of(SqlitePort.CANCELLABLE_WAITS, "true")),
                new Answers(profile.facts()));
    }

    static final Profile WRITER = profile(Autocommit.ON);
    static final Profile READER = profile(Autocommit.ON, "query_only", "1");

    private static Map<String, TxOptions> alone() {
        Map<String, TxOptions> plans = new LinkedHashMap<>();
        plans.put("nothing", NONE);
        for (Isolation isolation : Isolation.values()) {
            plans.put("isolation " + isolation, TxOptions.of(isolation));
        }
        plans.put("read-write", NONE.readWrite());
        plans.put("read-only", NONE.readOnly());
        plans.put("read-only hint", NONE.readOnlyHint());
        for (BeginMode mode : BeginMode.values()) {
            plans.put("begin mode " + mode, NONE.beginMode(mode));
        }
        plans.put("all constraints deferred", NONE.deferConstraints());
        plans.put("a constraint deferred", NONE.deferConstraints("fk_order"));
        plans.put("all constraints at once", NONE.checkConstraintsImmediately());
        plans.put("a constraint at once", NONE.checkConstraintsImmediately("fk_order"));
        plans.put("lock timeout", NONE.lockTimeout(TWO_SECONDS));
        plans.put("lock timeout below a millisecond", NONE.lockTimeout(Duration.ofNanos(1)));
        plans.put("lock timeout of a month", NONE.lockTimeout(Duration.ofDays(30)));
        plans.put("statement timeout", NONE.statementTimeout(Duration.ofSeconds(30)));
        plans.put("statement timeout shorter than busy_timeout", NONE.statementTimeout(TWO_SECONDS));
        plans.put("whole timeout", NONE.wholeTimeout(Duration.ofSeconds(30)));
        plans.put("whole timeout shorter than busy_timeout", NONE.wholeTimeout(TWO_SECONDS));
        plans.put("acquire timeout", NONE.acquireTimeout(TWO_SECONDS));
        plans.put("forced rollback", NONE.forceRollback());
        plans.put("verifiable", NONE.verifiable());
        plans.put("label", NONE.label("invoice"));
        return plans;
    }

    private static Map<String, TxOptions> together() {
        TxOptions lock = NONE.lockTimeout(TWO_SECONDS);
        Map<String, TxOptions> plans = new LinkedHashMap<>();
        plans.put(
                "serializable, read-only", TxOptions.of(Isolation.SERIALIZABLE).readOnly());
        plans.put("snapshot, read-only", TxOptions.of(Isolation.SNAPSHOT).readOnly());
        plans.put("read-only, lock timeout", lock.readOnly());
        plans.put("read-only, deferred constraints", NONE.readOnly().deferConstraints());
        plans.put("read-only, begin deferred", NONE.readOnly().beginMode(BeginMode.DEFERRED));
        plans.put("read-only, begin immediate", NONE.readOnly().beginMode(BeginMode.IMMEDIATE));
        plans.put("read-only, begin exclusive", NONE.readOnly().beginMode(BeginMode.EXCLUSIVE));
        plans.put("read-only, verifiable", NONE.readOnly().verifiable());
        plans.put("hint, begin deferred", NONE.readOnlyHint().beginMode(BeginMode.DEFERRED));
        plans.put("hint, lock timeout", lock.readOnlyHint());
        plans.put("lock timeout, deferred constraints", lock.deferConstraints());
        plans.put("lock timeout, begin exclusive", lock.beginMode(BeginMode.EXCLUSIVE));
        plans.put("lock timeout, begin deferred", lock.beginMode(BeginMode.DEFERRED));
        plans.put("lock timeout, longer statement timeout", lock.statementTimeout(Duration.ofSeconds(3)));
        plans.put("lock timeout, shorter statement timeout", lock.statementTimeout(Duration.ofSeconds(1)));
        plans.put("lock timeout, shorter whole timeout", lock.wholeTimeout(Duration.ofMillis(1500)));
        plans.put(
                "lock timeout of a month, whole timeout",
                NONE.lockTimeout(Duration.ofDays(30)).wholeTimeout(TWO_SECONDS));
        plans.put(
                "statement and whole timeout",
                NONE.statementTimeout(Duration.ofSeconds(3)).wholeTimeout(TWO_SECONDS));
        plans.put(
                "begin deferred, deferred constraints",
                NONE.beginMode(BeginMode.DEFERRED).deferConstraints());
        plans.put(
                "begin exclusive, deferred constraints",
                NONE.beginMode(BeginMode.EXCLUSIVE).deferConstraints());
        plans.put("verifiable, deferred constraints", NONE.verifiable().deferConstraints());
        plans.put(
                "read committed, read-write, lock timeout",
                lock.isolation(Isolation.READ_COMMITTED).readWrite());
        plans.put(
                "all that reads",
                lock.isolation(Isolation.REPEATABLE_READ)
                        .readOnly()
                        .beginMode(BeginMode.DEFERRED)
                        .deferConstraints()
                        .statementTimeout(Duration.ofSeconds(1))
                        .wholeTimeout(TWO_SECONDS)
                        .verifiable());
        plans.put(
                "all that writes",
                lock.isolation(Isolation.SNAPSHOT)
                        .readWrite()
                        .beginMode(BeginMode.EXCLUSIVE)
                        .deferConstraints()
                        .statementTimeout(Duration.ofSeconds(1))
                        .wholeTimeout(TWO_SECONDS)
                        .verifiable());
        return plans;
    }

    private static void file(String theme, Map<String, Profile> sections, Map<String, TxOptions> plans) {
        GoldenPlans golden = GoldenPlans.file(theme);
        sections.forEach((title, profile) -> {
            golden.section(title);
            plans.forEach((name, options) -> golden.plan(name, DIALECT, profile, options));
        });
        golden.verify();
    }

    @Test
    void each_option_alone_gives_the_plan_in_the_file() {
        file("alone", Map.of("SQLite 3.54, pool on autocommit", WRITER), alone());
    }

    @Test
    void options_together_give_the_plans_in_the_file() {
        file("together", Map.of("SQLite 3.54, pool on autocommit", WRITER), together());
    }

    @Test
    void on_a_data_source_that_only_reads_the_plans_are_those_in_the_file() {
        Map<String, TxOptions> plans = alone();
        plans.putAll(together());
        file("reader", Map.of("SQLite 3.54, query_only on", READER), plans);
    }

    @Test
    void on_a_pool_with_autocommit_off_the_plans_are_those_in_the_file() {
        Map<String, TxOptions> plans = alone();
        plans.putAll(together());
        file("autocommit-off", Map.of("SQLite 3.54, pool with autocommit off", profile(Autocommit.OFF)), plans);
    }

    @Test
    void on_a_pool_that_gives_the_drivers_connections_out_cancels_end_waits_for_locks_as_in_the_file() {
        file("cancellable", Map.of("SQLite 3.54, pool that unwraps", unwrapping(WRITER)), alone());
    }

    @Test
    void what_else_a_data_source_is_changes_the_plans_as_in_the_file() {
        Map<String, Profile> sections = new LinkedHashMap<>();
        sections.put("foreign_keys off", profile(Autocommit.ON, "foreign_keys", "0"));
        sections.put("read_uncommitted on", profile(Autocommit.ON, "read_uncommitted", "1"));
        sections.put("busy_timeout 0", profile(Autocommit.ON, "busy_timeout", "0"));
        sections.put("journal_mode delete", profile(Autocommit.ON, "journal_mode", "delete"));
        Map<String, TxOptions> plans = new LinkedHashMap<>();
        plans.put("nothing", NONE);
        plans.put("dirty reads", TxOptions.of(Isolation.READ_UNCOMMITTED));
        plans.put("read-only, deferred constraints", NONE.readOnly().deferConstraints());
        plans.put("statement timeout", NONE.statementTimeout(TWO_SECONDS));
        plans.put("begin exclusive", NONE.beginMode(BeginMode.EXCLUSIVE));
        file("data-sources", sections, plans);
    }

    @Test
    void what_the_engine_has_carried_along_gives_the_plans_in_the_file() {
        GoldenPlans golden = GoldenPlans.file("carried").section("SQLite 3.54, pool on autocommit");
        for (Carry carry : Carry.values()) {
            golden.plan(carry.name(), DIALECT, WRITER, Wish.of(NONE).carrying(carry));
        }
        golden.plan("to a replica", DIALECT, READER, Wish.of(NONE.readOnly()).to(Wish.Target.REPLICA));
        golden.verify();
    }

    @Test
    void row_locks_are_given_or_refused_as_in_the_file() {
        Wish plain = Wish.of(NONE);
        GoldenPlans.file("locks")
                .section("SQLite 3.54, in a transaction that holds the write lock")
                .lock("update", DIALECT, WRITER, RowLock.forUpdate(), plain)
                .lock("no key update", DIALECT, WRITER, RowLock.forNoKeyUpdate(), plain)
                .lock("share", DIALECT, WRITER, RowLock.forShare(), plain)
                .lock("key share", DIALECT, WRITER, RowLock.forKeyShare(), plain)
                .lock("of tables", DIALECT, WRITER, RowLock.forUpdate().of("o", "c"), plain)
                .lock("no wait", DIALECT, WRITER, RowLock.forUpdate().noWait(), plain)
                .lock("wait at most", DIALECT, WRITER, RowLock.forUpdate().waitAtMost(TWO_SECONDS), plain)
                .lock("skip locked", DIALECT, WRITER, RowLock.forUpdate().skipLocked(), plain)
                .section("SQLite 3.54, by how the transaction began")
                .lock("deferred", DIALECT, WRITER, RowLock.forUpdate(), begun(NONE.beginMode(BeginMode.DEFERRED)))
                .lock("immediate", DIALECT, WRITER, RowLock.forUpdate(), begun(NONE.beginMode(BeginMode.IMMEDIATE)))
                .lock("exclusive", DIALECT, WRITER, RowLock.forUpdate(), begun(NONE.beginMode(BeginMode.EXCLUSIVE)))
                .lock("read-only", DIALECT, WRITER, RowLock.forShare(), begun(NONE.readOnly()))
                .lock("read-only hint", DIALECT, WRITER, RowLock.forShare(), begun(NONE.readOnlyHint()))
                .section("SQLite 3.54, query_only on")
                .lock("update", DIALECT, READER, RowLock.forUpdate(), plain)
                .verify();
    }

    private static Wish begun(TxOptions options) {
        return Wish.of(options);
    }

    @Test
    void savepoints_are_made_as_in_the_file() {
        GoldenPlans.file("savepoints")
                .section("SQLite 3.54")
                .entry("set", () -> DIALECT.savepoints(WRITER).set("hf_1").toString())
                .entry(
                        "roll back to",
                        () -> DIALECT.savepoints(WRITER).rollbackTo("hf_1").toString())
                .entry(
                        "release",
                        () -> DIALECT.savepoints(WRITER).release("hf_1").toString())
                .entry(
                        "a name with a quote",
                        () -> DIALECT.savepoints(WRITER).set("a\"b").toString())
                .verify();
    }

    private static Map<Feature, Consumer<Profile>> uses() {
        Map<Feature, Consumer<Profile>> uses = new LinkedHashMap<>();
        plans(uses, Feature.READ_ONLY, NONE.readOnly());
        plans(uses, Feature.DEFERRED_CONSTRAINTS, NONE.deferConstraints());
        plans(uses, Feature.IMMEDIATE_CONSTRAINTS, NONE.checkConstraintsImmediately());
        plans(uses, Feature.NAMED_CONSTRAINTS, NONE.deferConstraints("fk"));
        plans(uses, Feature.BEGIN_MODE, NONE.beginMode(BeginMode.DEFERRED));
        plans(uses, Feature.LOCK_TIMEOUT, NONE.lockTimeout(TWO_SECONDS));
        plans(uses, Feature.STATEMENT_TIMEOUT, NONE.statementTimeout(TWO_SECONDS));
        plans(uses, Feature.VERIFIABLE, NONE.verifiable());
        locks(uses, Feature.LOCK_UPDATE, RowLock.forUpdate());
        locks(uses, Feature.LOCK_SHARE, RowLock.forShare());
        locks(uses, Feature.LOCK_OF, RowLock.forUpdate().of("t"));
        locks(uses, Feature.LOCK_NO_WAIT, RowLock.forUpdate().noWait());
        locks(uses, Feature.LOCK_SKIP_LOCKED, RowLock.forUpdate().skipLocked());
        locks(uses, Feature.LOCK_WAIT_AT_MOST, RowLock.forUpdate().waitAtMost(TWO_SECONDS));
        return uses;
    }

    private static void plans(Map<Feature, Consumer<Profile>> uses, Feature feature, TxOptions options) {
        uses.put(feature, profile -> DIALECT.plan(Wish.of(options), profile));
    }

    private static void locks(Map<Feature, Consumer<Profile>> uses, Feature feature, RowLock lock) {
        uses.put(feature, profile -> DIALECT.lock(lock, Wish.of(NONE), profile));
    }

    static Stream<Profile> profiles() {
        return Stream.of(
                WRITER,
                READER,
                profile(Autocommit.OFF),
                profile(Autocommit.ON, "foreign_keys", "0"),
                DIALECT.typicalProfile());
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void a_feature_is_declared_exactly_where_it_is_not_refused(Profile profile) {
        uses().forEach((feature, use) -> {
            if (profile.has(feature)) {
                use.accept(profile);
            } else {
                assertThatExceptionOfType(TxUnsupportedException.class)
                        .as("%s is not declared", feature)
                        .isThrownBy(() -> use.accept(profile));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void every_level_is_serializable(Profile profile) {
        assertThat(profile.levels()).containsOnlyKeys(Isolation.values());
        assertThat(profile.levels().values())
                .allMatch(level -> level.nativeName().equals("SERIALIZABLE"));
        assertThat(profile.defaultIsolation()).isEqualTo(Isolation.SERIALIZABLE);
    }

    @Test
    void a_refusal_carries_the_label_and_names_the_database() {
        assertThatExceptionOfType(TxUnsupportedException.class)
                .isThrownBy(() -> DIALECT.plan(Wish.of(NONE.label("invoice").deferConstraints("fk")), WRITER))
                .withMessageStartingWith("[invoice] SQLite 3.54 at jdbc:sqlite:shop.db refuses ")
                .satisfies(refusal -> assertThat(refusal.label()).isEqualTo("invoice"));
    }
}
