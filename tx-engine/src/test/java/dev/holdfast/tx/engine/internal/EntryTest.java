package dev.holdfast.tx.engine.internal;

import static dev.holdfast.tx.Isolation.READ_COMMITTED;
import static dev.holdfast.tx.Isolation.READ_UNCOMMITTED;
import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.Isolation.SNAPSHOT;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.internal.Entry.Decision;
import dev.holdfast.tx.engine.internal.Entry.Running;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The whole of the table of entries, cell by cell; inside a test fixture it is in {@link EntryInFixtureTest}. */
class EntryTest {
    private static final TxOptions NONE = TxOptions.none();

    /** What scopes of each kind have in force. */
    private static final Map<String, @Nullable TxOptions> SURROUNDINGS = surroundings();

    private static Map<String, @Nullable TxOptions> surroundings() {
        Map<String, @Nullable TxOptions> surroundings = new java.util.LinkedHashMap<>();
        surroundings.put("nothing running", null);
        surroundings.put("a managed scope", NONE.label("managed"));
        surroundings.put("a savepoint scope", NONE.completion(Completion.COMMIT).propagation(Propagation.SAVEPOINT));
        surroundings.put("a savepoint scope that is forced to roll back", NONE.forceRollback());
        surroundings.put("an unmanaged scope", NONE.isolation(READ_COMMITTED));
        return surroundings;
    }

    static @Nullable Running running(@Nullable TxOptions inForce, Feature... features) {
        return inForce == null ? null : new Running(inForce, Made.profile(features));
    }

    private static String kind(Decision decision) {
        return decision.getClass().getSimpleName();
    }

    @TestFactory
    Stream<DynamicTest> each_propagation_in_each_surrounding() {
        Map<Propagation, String> inside = Map.of(
                Propagation.REUSE, "Join",
                Propagation.SAVEPOINT, "Savepoint",
                Propagation.SEPARATE, "Start",
                Propagation.MANDATORY, "Join",
                Propagation.ROOT_ONLY, "Reject");
        List<DynamicTest> cells = new ArrayList<>();
        for (Propagation propagation : Propagation.values()) {
            SURROUNDINGS.forEach((name, inForce) -> {
                String outside = propagation == Propagation.MANDATORY ? "Reject" : "Start";
                String expected = inForce == null ? outside : inside.get(propagation);
                cells.add(dynamicTest(propagation + " with " + name + ": " + expected, () -> {
                    Running running = running(inForce);
                    assertThat(kind(Entry.decide(running, NONE.propagation(propagation), Propagation.REUSE)))
                            .isEqualTo(expected);
                }));
                cells.add(dynamicTest("the default " + propagation + " with " + name + ": " + expected, () -> {
                    Running running = running(inForce);
                    assertThat(kind(Entry.decide(running, NONE, propagation))).isEqualTo(expected);
                }));
            });
        }
        return cells.stream();
    }

    @Test
    void what_a_scope_asks_for_wins_over_the_default_propagation() {
        Running running = running(NONE);
        assertThat(kind(Entry.decide(running, NONE.propagation(Propagation.REUSE), Propagation.ROOT_ONLY)))
                .isEqualTo("Join");
        assertThat(kind(Entry.decide(running, NONE.propagation(Propagation.SEPARATE), Propagation.REUSE)))
                .isEqualTo("Start");
    }

    @TestFactory
    Stream<DynamicTest> a_scope_of_its_own_may_ask_for_anything_whatever_is_running() {
        TxOptions much = NONE.propagation(Propagation.SEPARATE)
                .isolation(SERIALIZABLE)
                .readOnly()
                .retry(RetryPolicy.attempts(2))
                .acquireTimeout(ofSeconds(1))
                .lockTimeout(ofSeconds(1))
                .forceRollback();
        return SURROUNDINGS.entrySet().stream()
                .map(cell -> dynamicTest(
                        "SEPARATE with " + cell.getKey(),
                        () -> assertThat(Entry.decide(running(cell.getValue()), much, Propagation.REUSE))
                                .isEqualTo(new Decision.Start())));
    }

    // ---- what may be asked of a scope that joins or nests

    /** One cell: what is running, what is asked for, and what the refusal must say, or null where it is taken. */
    private record Cell(
            String name,
            TxOptions running,
            TxOptions asked,
            @Nullable String refused) {
        DynamicTest with(Propagation how, Feature... features) {
            return dynamicTest(how + ", " + name + ": " + (refused == null ? "taken" : "refused"), () -> {
                Running around = EntryTest.running(running, features);
                Decision decision = Entry.decide(around, asked.propagation(how), Propagation.REUSE);
                if (refused == null) {
                    assertThat(kind(decision)).isEqualTo(how == Propagation.SAVEPOINT ? "Savepoint" : "Join");
                } else {
                    assertThat(decision).isInstanceOf(Decision.Reject.class);
                    assertThat(((Decision.Reject) decision).why()).containsIgnoringCase(refused);
                }
            });
        }

        Stream<DynamicTest> withEach() {
            return Stream.of(with(Propagation.REUSE), with(Propagation.MANDATORY), with(Propagation.SAVEPOINT));
        }
    }

    @TestFactory
    Stream<DynamicTest> options_of_a_joined_scope() {
        TxOptions option = NONE.with(Made.OPTION, "a");
        return Stream.of(
                        new Cell("nothing", NONE, NONE, null),
                        new Cell("a label", NONE.label("a"), NONE.label("b"), null),
                        new Cell("a statement timeout", NONE, NONE.statementTimeout(ofSeconds(1)), null),
                        new Cell("a whole timeout", NONE, NONE.wholeTimeout(ofSeconds(1)), null),
                        new Cell("an acquire timeout", NONE, NONE.acquireTimeout(ofSeconds(1)), "acquireTimeout"),
                        new Cell(
                                "the same acquire timeout",
                                NONE.acquireTimeout(ofSeconds(1)),
                                NONE.acquireTimeout(ofSeconds(1)),
                                "acquireTimeout"),
                        new Cell("a retry policy", NONE, NONE.retry(RetryPolicy.attempts(2)), "retry policy"),
                        new Cell("a lock timeout", NONE, NONE.lockTimeout(ofSeconds(1)), "has none"),
                        new Cell(
                                "the same lock timeout",
                                NONE.lockTimeout(ofSeconds(1)),
                                NONE.lockTimeout(ofSeconds(1)),
                                null),
                        new Cell(
                                "a shorter lock timeout",
                                NONE.lockTimeout(ofSeconds(2)),
                                NONE.lockTimeout(ofSeconds(1)),
                                "lockTimeout PT1S is asked for, but the running transaction has PT2S"),
                        new Cell("deferred constraints", NONE, NONE.deferConstraints(), "constraint checking"),
                        new Cell(
                                "the same deferred constraints",
                                NONE.deferConstraints("a"),
                                NONE.deferConstraints("a"),
                                null),
                        new Cell(
                                "other deferred constraints",
                                NONE.deferConstraints("a"),
                                NONE.deferConstraints("b"),
                                "DEFERRED[b]"),
                        new Cell("a begin mode", NONE, NONE.beginMode(BeginMode.IMMEDIATE), "beginMode"),
                        new Cell(
                                "the same begin mode",
                                NONE.beginMode(BeginMode.IMMEDIATE),
                                NONE.beginMode(BeginMode.IMMEDIATE),
                                null),
                        new Cell("reads", NONE.readOnly(), NONE.reads(Reads.primary()), "reads"),
                        new Cell(
                                "the same reads",
                                NONE.readOnly().reads(Reads.replica()),
                                NONE.reads(Reads.replica()),
                                null),
                        new Cell("verifiable", NONE, NONE.verifiable(), "verifiable"),
                        new Cell("verifiable in verifiable", NONE.verifiable(), NONE.verifiable(), null),
                        new Cell("a dialect's option", NONE, option, "made.option a is asked for"),
                        new Cell("the same dialect's option", option, option, null),
                        new Cell(
                                "another value of a dialect's option",
                                option,
                                NONE.with(Made.OPTION, "b"),
                                "made.option b is asked for, but the running transaction has a"),
                        new Cell("a dialect's option left out", option, NONE, null),
                        new Cell("an end by COMMIT", NONE.forceRollback(), NONE.completion(Completion.COMMIT), null),
                        new Cell(
                                "a test fixture",
                                NONE,
                                NONE.completion(Completion.FIXTURE),
                                "fixture must be the root"))
                .flatMap(Cell::withEach);
    }

    @TestFactory
    Stream<DynamicTest> only_a_savepoint_can_be_forced_to_roll_back() {
        Cell refused = new Cell("forceRollback", NONE, NONE.forceRollback(), "no end of its own");
        Cell taken = new Cell("forceRollback", NONE, NONE.forceRollback(), null);
        return Stream.of(
                refused.with(Propagation.REUSE),
                refused.with(Propagation.MANDATORY),
                taken.with(Propagation.SAVEPOINT));
    }

    // ---- access

    @TestFactory
    Stream<DynamicTest> read_only_in_what_may_write() {
        List<DynamicTest> cells = new ArrayList<>();
        for (TxOptions around : List.of(NONE, NONE.readWrite(), NONE.readOnlyHint())) {
            Cell refused = new Cell("READ_ONLY in " + around, around, NONE.readOnly(), "READ_ONLY_HINT");
            Cell taken = new Cell("READ_ONLY in " + around + ", where savepoints can", around, NONE.readOnly(), null);
            refused.withEach().forEach(cells::add);
            cells.add(refused.with(Propagation.REUSE, Feature.READ_ONLY_SAVEPOINT));
            cells.add(refused.with(Propagation.MANDATORY, Feature.READ_ONLY_SAVEPOINT));
            cells.add(taken.with(Propagation.SAVEPOINT, Feature.READ_ONLY_SAVEPOINT));
        }
        return cells.stream();
    }

    @TestFactory
    Stream<DynamicTest> read_write_in_read_only_is_refused() {
        Cell refused =
                new Cell("READ_WRITE in READ_ONLY", NONE.readOnly(), NONE.readWrite(), "make the root READ_WRITE");
        return Stream.concat(
                refused.withEach(), Stream.of(refused.with(Propagation.SAVEPOINT, Feature.READ_ONLY_SAVEPOINT)));
    }

    @TestFactory
    Stream<DynamicTest> access_that_asks_for_no_more_than_there_is() {
        return Stream.of(
                        new Cell("READ_ONLY in READ_ONLY", NONE.readOnly(), NONE.readOnly(), null),
                        new Cell("a hint in READ_ONLY", NONE.readOnly(), NONE.readOnlyHint(), null),
                        new Cell("a hint in READ_WRITE", NONE.readWrite(), NONE.readOnlyHint(), null),
                        new Cell("a hint in a hint", NONE.readOnlyHint(), NONE.readOnlyHint(), null),
                        new Cell("a hint in nothing said", NONE, NONE.readOnlyHint(), null),
                        new Cell("READ_WRITE in READ_WRITE", NONE.readWrite(), NONE.readWrite(), null),
                        new Cell("READ_WRITE in nothing said", NONE, NONE.readWrite(), null),
                        new Cell("READ_WRITE in a hint", NONE.readOnlyHint(), NONE.readWrite(), null))
                .flatMap(Cell::withEach);
    }

    // ---- isolation

    @TestFactory
    Stream<DynamicTest> isolation_is_compared_by_what_it_prevents() {
        Map<@Nullable Isolation, List<Isolation>> given = new java.util.LinkedHashMap<>();
        given.put(null, List.of(READ_COMMITTED)); // the server's default
        given.put(READ_COMMITTED, List.of(READ_COMMITTED));
        given.put(REPEATABLE_READ, List.of(READ_COMMITTED, REPEATABLE_READ));
        given.put(SNAPSHOT, List.of(READ_COMMITTED, SNAPSHOT));
        given.put(SERIALIZABLE, List.of(READ_COMMITTED, REPEATABLE_READ, SNAPSHOT, SERIALIZABLE));
        List<DynamicTest> cells = new ArrayList<>();
        given.forEach((has, takes) -> Arrays.stream(Isolation.values()).forEach(asked -> {
            String refused = takes.contains(asked) ? null : "isolation " + asked + " is asked for";
            TxOptions around = has == null ? NONE : NONE.isolation(has);
            new Cell(asked + " in " + (has == null ? "the default" : has), around, NONE.isolation(asked), refused)
                    .withEach()
                    .forEach(cells::add);
        }));
        return cells.stream();
    }

    @Test
    void a_refusal_for_isolation_names_the_level_that_the_server_gives_by_default() {
        Decision decision = Entry.decide(running(NONE), TxOptions.of(SERIALIZABLE), Propagation.REUSE);
        assertThat(decision).asString().contains("the server's default, READ_COMMITTED", "SEPARATE");
    }

    @Test
    void a_level_that_the_database_does_not_take_is_not_joined() {
        Profile profile = Made.profile();
        assertThat(profile.model(READ_UNCOMMITTED)).isNull();
        assertThat(kind(Entry.decide(running(NONE), TxOptions.of(READ_UNCOMMITTED), Propagation.REUSE)))
                .isEqualTo("Reject");
    }

    // ---- what is in force afterwards

    private static TxOptions inForce(TxOptions running, TxOptions asked) {
        Decision decision = Entry.decide(running(running), asked, Propagation.REUSE);
        return decision instanceof Decision.Savepoint savepoint
                ? savepoint.inForce()
                : ((Decision.Join) decision).inForce();
    }

    @Test
    void a_scope_that_asks_for_nothing_inherits_all() {
        TxOptions all = TxOptions.of(SERIALIZABLE)
                .readOnly()
                .label("outer")
                .lockTimeout(ofSeconds(1))
                .statementTimeout(ofSeconds(2))
                .wholeTimeout(ofSeconds(3))
                .with(Made.OPTION, "a");
        assertThat(inForce(all, NONE)).isEqualTo(all);
        assertThat(inForce(all, NONE.propagation(Propagation.SAVEPOINT))).isEqualTo(all);
    }

    @Test
    void a_scope_inside_has_its_label_in_SQL_if_it_or_the_one_around_asks_for_it() {
        assertThat(inForce(NONE.labelInSql(), NONE.label("inner")).isLabelInSql())
                .isTrue();
        assertThat(inForce(NONE, NONE.labelInSql()).isLabelInSql()).isTrue();
        assertThat(inForce(NONE, NONE.label("inner")).isLabelInSql()).isFalse();
    }

    @Test
    void the_label_of_a_scope_is_its_own() {
        assertThat(inForce(NONE.label("outer"), NONE.label("inner")).label()).isEqualTo("inner");
    }

    @Test
    void timeouts_of_statements_and_of_the_whole_only_tighten() {
        TxOptions outer = NONE.statementTimeout(ofSeconds(5)).wholeTimeout(ofSeconds(5));
        TxOptions shorter = NONE.statementTimeout(ofSeconds(4)).wholeTimeout(ofSeconds(3));
        TxOptions longer = NONE.statementTimeout(ofSeconds(6)).wholeTimeout(ofSeconds(7));
        assertThat(inForce(outer, shorter)).isEqualTo(shorter);
        assertThat(inForce(outer, longer)).isEqualTo(outer);
        assertThat(inForce(NONE, longer)).isEqualTo(longer);
    }

    @Test
    void a_weaker_level_leaves_the_running_one_in_force() {
        assertThat(inForce(TxOptions.of(SERIALIZABLE), TxOptions.of(READ_COMMITTED))
                        .isolation())
                .isEqualTo(SERIALIZABLE);
    }

    @Test
    void a_hint_leaves_the_running_access_in_force() {
        assertThat(inForce(NONE.readWrite(), NONE.readOnlyHint()).access()).isEqualTo(Access.READ_WRITE);
    }

    @Test
    void a_read_only_savepoint_is_read_only() {
        Decision decision = Entry.decide(
                running(NONE, Feature.READ_ONLY_SAVEPOINT),
                NONE.propagation(Propagation.SAVEPOINT).readOnly(),
                Propagation.REUSE);
        assertThat(((Decision.Savepoint) decision).inForce().access()).isEqualTo(Access.READ_ONLY);
    }

    @Test
    void a_savepoint_in_a_root_that_is_forced_to_roll_back_is_released_unless_it_asks_for_more() {
        TxOptions savepoint = NONE.propagation(Propagation.SAVEPOINT);
        assertThat(inForce(NONE.forceRollback(), savepoint).completion()).isEqualTo(Completion.COMMIT);
        assertThat(inForce(NONE.forceRollback(), savepoint.forceRollback()).completion())
                .isEqualTo(Completion.ROLLBACK);
        assertThat(inForce(NONE, savepoint.forceRollback()).completion()).isEqualTo(Completion.ROLLBACK);
    }

    @Test
    void how_a_scope_was_opened_is_not_inherited_by_the_scopes_in_it() {
        assertThat(inForce(NONE, NONE.propagation(Propagation.SAVEPOINT)).propagation())
                .isNull();
        assertThat(inForce(NONE, NONE.propagation(Propagation.MANDATORY)).propagation())
                .isNull();
    }

    // ---- what the database could never do

    private static @Nullable String lacking(TxOptions inForce, TxOptions asked, Propagation how, Feature... features) {
        Profile profile = Profile.of(Made.IDENTITY, "Made")
                .version(1, 0)
                .level(READ_COMMITTED, "RC", IsolationModel.RC)
                .features(features)
                .build();
        return Entry.lacking(new Running(inForce, profile), asked.propagation(how), Propagation.REUSE);
    }

    @Test
    void a_nested_scope_needs_savepoints() {
        assertThat(lacking(NONE, NONE, Propagation.SAVEPOINT)).contains("Made 1.0 has no savepoints", "REUSE");
        assertThat(lacking(NONE, NONE, Propagation.SAVEPOINT, Feature.SAVEPOINTS))
                .isNull();
        assertThat(lacking(NONE, NONE, Propagation.REUSE)).isNull();
    }

    @Test
    void a_read_only_savepoint_needs_a_database_that_can_make_one() {
        assertThat(lacking(NONE, NONE.readOnly(), Propagation.SAVEPOINT, Feature.SAVEPOINTS))
                .contains("READ_ONLY", "Made 1.0 cannot make a savepoint read-only", "READ_ONLY_HINT");
        assertThat(lacking(NONE.readOnly(), NONE.readOnly(), Propagation.SAVEPOINT, Feature.SAVEPOINTS))
                .isNull();
        assertThat(lacking(
                        NONE, NONE.readOnly(), Propagation.SAVEPOINT, Feature.SAVEPOINTS, Feature.READ_ONLY_SAVEPOINT))
                .isNull();
    }
}
