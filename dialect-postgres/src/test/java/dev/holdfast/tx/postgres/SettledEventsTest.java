package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.postgres.ProxiedPostgres.Judge;
import dev.holdfast.tx.testkit.Sql;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What listeners are told of a COMMIT whose answer was lost. */
class SettledEventsTest {
    private static final TxOptions VERIFIABLE = TxOptions.none().verifiable().label("pay");

    private final List<TxEvent> told = new CopyOnWriteArrayList<>();
    private ProxiedPostgres postgres;
    private Transactor db;

    @BeforeEach
    void connect() throws SQLException {
        postgres = new ProxiedPostgres(18, Judge.ENGINE);
        db = Holdfast.builder(postgres.sessions()).listener(told::add).build();
    }

    @AfterEach
    void disconnect() throws SQLException {
        db.close();
        postgres.close();
    }

    private void insert(Runnable mishap) {
        db.execute(VERIFIABLE, tx -> {
            Sql.insert(tx, "proxied", 1);
            tx.beforeCommit(mishap::run);
        });
    }

    /** The outcome as it was settled, and the one at the end, in the order in which they were told. */
    private void assertSettledAs(Class<? extends Outcome> expected) {
        List<Object> outcomes = told.stream()
                .filter(event -> event instanceof TxEvent.Settled || event instanceof TxEvent.Ended)
                .<Object>map(event -> event instanceof TxEvent.Settled settled
                        ? "settled " + settled.label() + " " + settled.outcome().getClass()
                        : "ended " + ((TxEvent.Ended) event).outcome().getClass())
                .toList();
        assertThat(outcomes).containsExactly("settled pay " + expected, "ended " + expected);
    }

    @Test
    void one_that_was_done_is_told_as_committed() {
        insert(() -> postgres.proxy.dropReply());
        assertSettledAs(Outcome.Committed.class);
    }

    @Test
    void one_that_was_not_done_is_told_as_rolled_back() {
        assertThatThrownBy(() -> insert(() -> postgres.proxy.dropRequest())).isInstanceOf(TxRolledBackException.class);
        assertSettledAs(Outcome.RolledBack.class);
    }

    @Test
    void one_that_was_answered_is_not_settled() {
        insert(() -> {});
        assertThat(told).noneMatch(TxEvent.Settled.class::isInstance);
    }
}
