package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** A connection that was lost in the middle of a packet: Connector/J gives no number, and a state that says nothing. */
class CutShortTest {
    private static Failure classified(Throwable cause) {
        return MysqlFailures.classify(
                new SQLException("Can not read response from server", "S1000", 0, cause),
                Moment.of(Phase.STATEMENT, Wish.of(TxOptions.none())),
                Profiles.mysql().made());
    }

    @Test
    void the_end_of_the_stream_is_a_lost_connection() {
        Failure failure = classified(new EOFException("read 2 bytes"));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
    }

    @Test
    void a_file_that_is_not_there_is_not() {
        assertThat(classified(new FileNotFoundException("load data local")).kind())
                .isEqualTo(FailureKind.OTHER);
    }
}
