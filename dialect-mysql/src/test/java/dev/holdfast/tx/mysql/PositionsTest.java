package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.spi.Positions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Positions as texts: which covers which, and what covers both. */
class PositionsTest {
    private static final String A = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    private static final String B = "4e11fa47-71ca-11e1-9e33-c80aa9429562";
    private static final Positions SETS = new MysqlPositions(true);
    private static final Positions DOMAINS = new MariadbPositions(true);

    private static String set(String text) {
        return text.replace("A", A).replace("B", B).replace(";", ",");
    }

    @ParameterizedTest
    @CsvSource({
        "A:1-5, A:1-5, true",
        "A:1-5, A:3, true",
        "A:1-5, A:6, false",
        "A:1-5, A:4-6, false",
        "A:1-3:5-9, A:2:6-8, true",
        "A:1-3:5-9, A:3-5, false",
        "A:1-5, B:1, false",
        "A:1-5;B:1-2, B:2;A:1, true",
        "A:1-5:t:1-2, A:t:2, true",
        "A:1-5, A:t:2, false",
        "A:1-5, '', true",
        "'', A:1, false"
    })
    void aSetCoversItsParts(String reached, String wanted, boolean covered) {
        assertThat(SETS.covers(set(reached), set(wanted))).isEqualTo(covered);
    }

    @ParameterizedTest
    @CsvSource({
        "A:1-5, A:6-9, A:1-9",
        "A:1-5, A:7, A:1-5:7-7",
        "A:1-2:8-9, A:3-7, A:1-9",
        "A:4, A:1-9, A:1-9",
        "A:1, B:2, A:1-1;B:2-2",
        "A:1:t:2, A:t:3, A:1-1;A:t:2-3",
        "'', A:1, A:1-1"
    })
    void theUnionOfSetsHasNothingMore(String one, String other, String both) {
        assertThat(SETS.union(set(one), set(other))).isEqualTo(set(both));
        assertThat(SETS.union(set(other), set(one))).isEqualTo(set(both));
        assertThat(SETS.covers(set(both), set(one))).isTrue();
        assertThat(SETS.covers(set(both), set(other))).isTrue();
    }

    @Test
    void theServerWritesSeveralSourcesOnSeveralLines() {
        assertThat(SETS.covers(A.toUpperCase(java.util.Locale.ROOT) + ":1-5,\n" + B + ":1", B + ":1"))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "0-1-5, 0-1-5, true",
        "0-1-6, 0-2-5, true",
        "0-1-4, 0-1-5, false",
        "0-2-5, 0-1-5, false",
        "0-1-4, 1-1-1, false",
        "0-1-4;1-1-1, 1-1-1, true",
        "'', 0-1-1, false",
        "0-1-1, '', true"
    })
    void aDomainCoversWhatCameBefore(String reached, String wanted, boolean covered) {
        assertThat(DOMAINS.covers(reached.replace(';', ','), wanted)).isEqualTo(covered);
    }

    @Test
    void theUnionOfDomainsIsTheLatestOfEach() {
        assertThat(DOMAINS.union("0-1-5,1-1-9", "0-2-6,2-1-1")).isEqualTo("0-2-6,1-1-9,2-1-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "1-2", "0/1", "A:", "A:x y", ":1", "A:1;", "A:-1", "A:1-2-3"})
    void whatIsNoPositionIsRefused(String text) {
        assertThatThrownBy(() -> SETS.covers(set(text), set(text))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DOMAINS.covers(set(text), set(text))).isInstanceOf(IllegalArgumentException.class);
    }
}
