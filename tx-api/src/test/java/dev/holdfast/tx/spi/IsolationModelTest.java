package dev.holdfast.tx.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class IsolationModelTest {
    /** What must not be observed, in the order of {@link Anomaly}: x, or . where it may be. */
    private static String row(IsolationModel model) {
        return switch (model) {
            case RU -> "x.......x............";
            case RC -> "xxxxx...x...x........";
            case RR_INNODB -> "xxxxxx..xxx...xx....x";
            case RR_LOCKING -> "xxxxx.xxxx.xxxx.x.xxx";
            case SI -> "xxxxxxxxxxxxxxxx....x";
            case SER -> "xxxxxxxxxxxxxxxxxxxxx";
        };
    }

    @TestFactory
    Stream<DynamicTest> each_model_prevents_what_its_row_of_the_table_says() {
        return Arrays.stream(IsolationModel.values())
                .map(model -> dynamicTest(model.name(), () -> {
                    Set<Anomaly> expected = EnumSet.noneOf(Anomaly.class);
                    for (int i = 0; i < row(model).length(); i++) {
                        if (row(model).charAt(i) == 'x') {
                            expected.add(List.of(Anomaly.values()).get(i));
                        }
                    }
                    assertThat(model.prevented()).isEqualTo(expected);
                }));
    }

    @TestFactory
    Stream<DynamicTest> a_model_is_at_least_another_where_it_prevents_all_that_the_other_does() {
        return Stream.of(
                        "RU:         RU",
                        "RC:         RU RC",
                        "RR_INNODB:  RU RR_INNODB",
                        "RR_LOCKING: RU RC RR_LOCKING",
                        "SI:         RU RC SI RR_INNODB",
                        "SER:        RU RC RR_INNODB RR_LOCKING SI SER")
                .map(line -> line.split(":\\s+"))
                .map(line -> dynamicTest(line[0] + " is at least " + line[1], () -> {
                    List<String> weaker = List.of(line[1].split(" "));
                    for (IsolationModel other : IsolationModel.values()) {
                        assertThat(IsolationModel.valueOf(line[0]).isAtLeast(other))
                                .as("%s at least %s", line[0], other)
                                .isEqualTo(weaker.contains(other.name()));
                    }
                }));
    }

    @Test
    void snapshot_isolation_and_locking_repeatable_read_cannot_be_compared() {
        assertThat(IsolationModel.SI.isAtLeast(IsolationModel.RR_LOCKING)).isFalse();
        assertThat(IsolationModel.RR_LOCKING.isAtLeast(IsolationModel.SI)).isFalse();
    }

    @Test
    void repeatable_read_of_innodb_and_read_committed_cannot_be_compared() {
        assertThat(IsolationModel.RR_INNODB.isAtLeast(IsolationModel.RC)).isFalse();
        assertThat(IsolationModel.RC.isAtLeast(IsolationModel.RR_INNODB)).isFalse();
    }

    @Test
    void repeatable_read_of_innodb_covers_read_committed_all_the_same() {
        assertThat(IsolationModel.RR_INNODB.covers(IsolationModel.RC)).isTrue();
        assertThat(IsolationModel.RR_INNODB.covers(IsolationModel.RU)).isTrue();
        assertThat(IsolationModel.RR_INNODB.covers(IsolationModel.SI)).isFalse();
        assertThat(IsolationModel.RC.covers(IsolationModel.RR_INNODB)).isFalse();
        assertThat(IsolationModel.RU.covers(IsolationModel.RC)).isFalse();
        assertThat(IsolationModel.SER.covers(IsolationModel.RR_INNODB)).isTrue();
    }

    @Test
    void what_a_model_prevents_cannot_be_changed() {
        assertThat(org.assertj.core.api.Assertions.catchThrowable(
                        () -> IsolationModel.SER.prevented().clear()))
                .isInstanceOf(UnsupportedOperationException.class);
    }
}
