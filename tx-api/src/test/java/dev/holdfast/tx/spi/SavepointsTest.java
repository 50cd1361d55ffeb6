package dev.holdfast.tx.spi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SavepointsTest {
    @Test
    void the_drivers_are_released_where_the_driver_can() {
        Savepoints savepoints = Savepoints.ofDriver(true);
        assertThat(savepoints.set("a")).hasToString("<set savepoint a>");
        assertThat(savepoints.rollbackTo("a")).hasToString("<rollback to savepoint a> | <release savepoint a>");
        assertThat(savepoints.release("a")).hasToString("<release savepoint a>");
    }

    @Test
    void the_drivers_are_left_to_the_transaction_where_it_cannot() {
        Savepoints savepoints = Savepoints.ofDriver(false);
        assertThat(savepoints.rollbackTo("a")).hasToString("<rollback to savepoint a>");
        assertThat(savepoints.release("a").isEmpty()).isTrue();
    }
}
