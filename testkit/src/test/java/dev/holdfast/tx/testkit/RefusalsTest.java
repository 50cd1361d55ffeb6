package dev.holdfast.tx.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.Feature;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Each case has its other side: what it needs can be asked for, and so refused. */
class RefusalsTest {
    @Test
    void no_case_needs_what_nobody_can_ask_for() {
        assertThat(Conformance.cases())
                .allSatisfy(one -> assertThat(one.needs().features()).allMatch(Ask::canAskFor));
    }

    @Test
    void each_feature_has_a_case_of_its_own() {
        assertThat(Conformance.cases().stream().map(ConformanceCase::id))
                .containsAll(Arrays.stream(Feature.values())
                        .map(feature -> "DCL-U-" + feature)
                        .toList());
    }
}
