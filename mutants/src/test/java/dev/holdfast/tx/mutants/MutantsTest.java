package dev.holdfast.tx.mutants;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Whatever is broken on purpose is noticed, by the case that is there for it, and told so that it can be found. */
class MutantsTest {
    @TestFactory
    Stream<DynamicTest> its_case_fails_and_says_what_is_wrong() {
        return Mutants.chosen().stream()
                .map(mutant -> DynamicTest.dynamicTest(mutant.toString(), () -> {
                    Suite suite = Suite.of(mutant.database().get(), killers(mutant));
                    List<CaseResult> results =
                            suite.cases().stream().map(suite::run).toList();
                    assumeThat(results.stream().allMatch(one -> one.verdict() == Verdict.UNTESTED)
                                    && Runtime.version().feature() < 21)
                            .as("untested on this JDK")
                            .isFalse();
                    List<CaseResult> failed = results.stream()
                            .filter(one -> one.verdict() == Verdict.FAIL)
                            .toList();
                    assertThat(failed).as("failures of %s", mutant.killer()).isNotEmpty();
                    assertThat(failed.get(0).detail()).contains(mutant.says());
                    assertThat(failed.get(0).thrown())
                            .isNotInstanceOf(NullPointerException.class)
                            .isNotInstanceOf(ClassCastException.class);
                }));
    }

    /** At each level that the case is shown at. */
    private static List<ConformanceCase> killers(Mutant mutant) {
        return Conformance.cases().stream()
                .filter(one -> one.id().equals(mutant.killer()))
                .toList();
    }

    @Test
    void each_mutant_has_a_killer_that_has_something_to_say() {
        assertThat(Mutants.all()).allSatisfy(mutant -> {
            assertThat(killers(mutant))
                    .as("cases of the id %s", mutant.killer())
                    .isNotEmpty();
            assertThat(mutant.says())
                    .as("what %s says of %s", mutant.killer(), mutant.id())
                    .isNotBlank();
        });
    }

    @Test
    void each_mutant_has_an_id_of_its_own() {
        assertThat(Mutants.all().stream().map(Mutant::id))
                .doesNotHaveDuplicates()
                .hasSizeGreaterThanOrEqualTo(35);
    }
}
