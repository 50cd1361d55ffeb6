package dev.holdfast.tx.engine.internal;

import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.internal.Entry.Decision;
import dev.holdfast.tx.engine.internal.Entry.Running;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The column of the table of entries that is inside a test fixture: the code in it must not notice. */
class EntryInFixtureTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final TxOptions FIXTURE = NONE.completion(Completion.FIXTURE);

    private static Decision inside(TxOptions asked) {
        return Entry.decide(new Running(FIXTURE, Made.profile()), asked, Propagation.REUSE);
    }

    private static Decision.Savepoint savepoint(TxOptions asked) {
        Decision decision = inside(asked);
        assertThat(decision).isInstanceOf(Decision.Savepoint.class);
        return (Decision.Savepoint) decision;
    }

    @TestFactory
    Stream<DynamicTest> what_would_be_a_root_becomes_a_savepoint_without_a_word() {
        return Stream.of(Propagation.REUSE, Propagation.SAVEPOINT, Propagation.ROOT_ONLY)
                .map(propagation -> dynamicTest(
                        propagation.name(),
                        () -> assertThat(
                                        savepoint(NONE.propagation(propagation)).notes())
                                .isEmpty()));
    }

    @Test
    void a_transaction_of_its_own_becomes_a_savepoint_too_and_that_is_noted() {
        assertThat(savepoint(NONE.propagation(Propagation.SEPARATE)).notes())
                .singleElement()
                .asString()
                .contains("would be committed");
    }

    @Test
    void nothing_inside_a_root_inside_becomes_a_transaction_of_its_own_either() {
        Running root = new Running(savepoint(NONE).inForce(), Made.profile(), Entry.Around.FIXTURE);
        assertThat(Entry.decide(root, NONE.propagation(Propagation.SEPARATE), Propagation.REUSE))
                .isInstanceOf(Decision.Savepoint.class);
    }

    @Test
    void what_needs_a_running_transaction_is_rejected_for_a_fixture_counts_for_nothing() {
        assertThat(inside(NONE.propagation(Propagation.MANDATORY))).isInstanceOf(Decision.Reject.class);
    }

    @TestFactory
    Stream<DynamicTest> what_cannot_be_had_is_noted_and_never_rejected() {
        return Stream.of(
                        TxOptions.of(Isolation.SERIALIZABLE),
                        TxOptions.of(Isolation.READ_UNCOMMITTED),
                        NONE.readOnly(),
                        NONE.acquireTimeout(ofSeconds(1)),
                        NONE.lockTimeout(ofSeconds(1)),
                        NONE.beginMode(BeginMode.DEFERRED),
                        NONE.deferConstraints(),
                        NONE.verifiable(),
                        NONE.with(Made.OPTION, "a"),
                        NONE.completion(Completion.FIXTURE))
                .map(asked -> dynamicTest(asked.toString(), () -> {
                    assertThat(savepoint(asked).notes())
                            .singleElement()
                            .asString()
                            .contains("test fixture");
                }));
    }

    @TestFactory
    Stream<DynamicTest> what_can_be_had_is_not_noted() {
        return Stream.of(
                        NONE,
                        NONE.label("a"),
                        NONE.readWrite(),
                        NONE.readOnlyHint(),
                        TxOptions.of(Isolation.READ_COMMITTED),
                        NONE.statementTimeout(ofSeconds(1)),
                        NONE.wholeTimeout(ofSeconds(1)),
                        NONE.retry(RetryPolicy.attempts(3)),
                        NONE.forceRollback())
                .map(asked -> dynamicTest(
                        asked.toString(),
                        () -> assertThat(savepoint(asked).notes()).isEmpty()));
    }

    @Test
    void the_code_inside_sees_the_options_that_it_asked_for() {
        TxOptions asked = TxOptions.of(Isolation.SERIALIZABLE).label("inner").readOnly();
        assertThat(savepoint(asked).inForce()).isEqualTo(asked.completion(Completion.COMMIT));
    }

    @Test
    void a_root_inside_is_no_fixture_itself_so_scopes_in_it_join_and_nest_as_always() {
        Running root = new Running(savepoint(NONE).inForce(), Made.profile());
        assertThat(root.isFixture()).isFalse();
        assertThat(Entry.decide(root, NONE, Propagation.REUSE)).isInstanceOf(Decision.Join.class);
        assertThat(Entry.decide(root, NONE.propagation(Propagation.MANDATORY), Propagation.REUSE))
                .isInstanceOf(Decision.Join.class);
        assertThat(Entry.decide(root, NONE.propagation(Propagation.ROOT_ONLY), Propagation.REUSE))
                .isInstanceOf(Decision.Reject.class);
    }

    @Test
    void a_fixture_is_started_where_nothing_is_running() {
        assertThat(Entry.decide(null, FIXTURE, Propagation.REUSE)).isEqualTo(new Decision.Start());
    }
}
