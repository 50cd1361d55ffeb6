package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.spi.Positions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Places in the log as texts: which covers which. */
class PostgresPositionsTest {
    private static final Positions POSITIONS = new PostgresPositions(8192);

    @ParameterizedTest
    @CsvSource({
        "1/0/10, 1/0/10, true",
        "1/0/9, 1/0/10, false",
        "1/0/F, 1/0/10, false",
        "1/1/0, 1/0/FFFFFFFF, true",
        "1/0/FFFFFFFF, 1/1/0, false",
        "1/A/0, 1/9/0, true",
        "1/FFFFFFFF/0, 1/7FFFFFFF/0, true",
        "1/10/0, 1/9/0, true",
        "00000001/0/10, 1/0/10, true"
    })
    void aPlaceCoversWhatIsBefore(String reached, String wanted, boolean covered) {
        assertThat(POSITIONS.covers(reached, wanted)).isEqualTo(covered);
        assertThat(POSITIONS.union(reached, wanted)).isEqualTo(covered ? reached : wanted);
        assertThat(POSITIONS.union(wanted, reached)).isIn(reached, wanted);
    }

    /** A standby that did not follow a failover may have come further on the old timeline than the primary has on the new one. */
    @ParameterizedTest
    @CsvSource({
        "1/0/20, 2/0/10, false",
        "2/0/20, 1/0/10, true",
        "2/0/9, 1/0/10, false",
        "A/0/20, 9/0/10, true",
        "9/0/20, A/0/10, false"
    })
    void aPlaceOnAnEarlierTimelineCoversNothingOfALaterOne(String reached, String wanted, boolean covered) {
        assertThat(POSITIONS.covers(reached, wanted)).isEqualTo(covered);
    }

    @ParameterizedTest
    @CsvSource({"1/0/20, 2/0/10", "1/0/20, A/0/10", "9/0/20, 10/0/10"})
    void aLaterTimelineStandsForWhatIsLeftOfTheOneBefore(String earlier, String later) {
        assertThat(POSITIONS.union(earlier, later)).isEqualTo(later);
        assertThat(POSITIONS.union(later, earlier)).isEqualTo(later);
    }

    /** The record before it ends where the page does, and the next one is inserted behind the page's header. */
    @ParameterizedTest
    @CsvSource({
        "1/0/4000, 1/0/4018, true",
        "1/0/3FF8, 1/0/4018, false",
        "1/0/4000, 1/0/4020, false",
        "1/0/4000, 1/0/4010, false"
    })
    void whoHasComeToTheEndOfAPageHasSeenAllBeforeTheNext(String reached, String wanted, boolean covered) {
        assertThat(POSITIONS.covers(reached, wanted)).isEqualTo(covered);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0/", "/0", "0/1", "1/0/G", "1/0/123456789", "1/0/1 ", "-1/0/1", "1/0/1/1"})
    void whatIsNoPlaceIsRefused(String text) {
        assertThatThrownBy(() -> POSITIONS.covers(text, text)).isInstanceOf(IllegalArgumentException.class);
    }
}
