package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Outcome.RolledBack;
import dev.holdfast.tx.engine.internal.Settle.Facts;
import dev.holdfast.tx.engine.internal.Settle.Verdict;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class SettleTest {
    /** What may be the case at the end of a unit; an earlier one counts for more. */
    private enum Fact {
        THROWN,
        OWN_REQUEST,
        OPEN_CHILD,
        POISON,
        ENDED,
        EXPIRED,
        FORCED
    }

    private static final Map<Fact, Throwable> ERRORS =
            Stream.of(Fact.values()).collect(Collectors.toMap(fact -> fact, fact -> new Exception(fact.name())));

    private static Verdict decide(Set<Fact> facts, Reason thrownIn) {
        return Settle.decide(new Facts(
                error(facts, Fact.THROWN),
                thrownIn,
                facts.contains(Fact.OWN_REQUEST),
                error(facts, Fact.POISON),
                error(facts, Fact.ENDED),
                error(facts, Fact.OPEN_CHILD),
                error(facts, Fact.EXPIRED),
                facts.contains(Fact.FORCED) ? Completion.ROLLBACK : Completion.COMMIT));
    }

    private static @Nullable Throwable error(Set<Fact> facts, Fact fact) {
        return facts.contains(fact) ? ERRORS.get(fact) : null;
    }

    private static Verdict alone(Fact fact) {
        return switch (fact) {
            case THROWN -> new Verdict.RollBackAndRethrow(new RolledBack(Reason.BODY_FAILED, ERRORS.get(fact)));
            case OWN_REQUEST -> new Verdict.RollBackAndReturn(new RolledBack(Reason.REQUESTED, null));
            case OPEN_CHILD -> refused(Reason.CHILD_STILL_OPEN, fact);
            case POISON -> refused(Reason.JOINED_SCOPE_FAILED, fact);
            case ENDED -> refused(Reason.ENDED_BY_SERVER, fact);
            case EXPIRED -> refused(Reason.TIMED_OUT, fact);
            case FORCED -> new Verdict.RollBackAndReturn(new RolledBack(Reason.FORCED, null));
        };
    }

    private static Verdict refused(Reason reason, Fact fact) {
        return new Verdict.RollBackAndRefuse(new RolledBack(reason, ERRORS.get(fact)));
    }

    @Test
    void what_nothing_is_wrong_with_is_committed() {
        assertThat(decide(EnumSet.noneOf(Fact.class), Reason.BODY_FAILED)).isEqualTo(new Verdict.Commit());
    }

    @TestFactory
    Stream<DynamicTest> one_fact_alone() {
        return Stream.of(Fact.values())
                .map(fact -> dynamicTest(
                        fact.name(),
                        () -> assertThat(decide(EnumSet.of(fact), Reason.BODY_FAILED))
                                .isEqualTo(alone(fact))));
    }

    @TestFactory
    Stream<DynamicTest> of_several_facts_the_one_that_counts_for_most_decides() {
        List<Fact> all = List.of(Fact.values());
        return IntStream.range(1, 1 << all.size())
                .mapToObj(bits -> {
                    List<Fact> facts = new ArrayList<>();
                    for (int i = 0; i < all.size(); i++) {
                        if ((bits & 1 << i) != 0) {
                            facts.add(all.get(i));
                        }
                    }
                    return facts;
                })
                .filter(facts -> facts.size() > 1)
                .map(facts -> dynamicTest(
                        facts.toString(),
                        () -> assertThat(decide(EnumSet.copyOf(facts), Reason.BODY_FAILED))
                                .isEqualTo(alone(facts.get(0)))));
    }

    @Test
    void what_a_hook_threw_before_commit_is_rethrown_and_named_as_such() {
        assertThat(decide(EnumSet.of(Fact.THROWN), Reason.HOOK_FAILED))
                .isEqualTo(new Verdict.RollBackAndRethrow(new RolledBack(Reason.HOOK_FAILED, ERRORS.get(Fact.THROWN))));
    }

    @Test
    void a_fixture_is_rolled_back_and_returns_its_value() {
        Facts fixture = new Facts(null, Reason.BODY_FAILED, false, null, null, null, null, Completion.FIXTURE);
        assertThat(Settle.decide(fixture)).isEqualTo(alone(Fact.FORCED));
    }
}
