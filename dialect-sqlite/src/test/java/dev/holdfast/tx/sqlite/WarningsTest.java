package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Sql;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a transactor warns of by itself. */
class WarningsTest {
    private static final Duration BOUND = Duration.ofSeconds(20);

    private final BlockingQueue<TxEvent> told = new LinkedBlockingQueue<>();

    private Transactor db(Database database, Duration limit) {
        return Holdfast.builder(database.url())
                .warnAfter(limit)
                .listener(told::add)
                .build();
    }

    /** The first event of this kind, with its time to come. */
    private <E extends TxEvent> E await(Class<E> kind, Runnable meanwhile) throws InterruptedException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < BOUND.toNanos()) {
            @Nullable TxEvent event = told.poll(20, TimeUnit.MILLISECONDS);
            if (kind.isInstance(event)) {
                return kind.cast(event);
            }
            meanwhile.run();
        }
        throw new AssertionError("No " + kind.getSimpleName() + " within " + BOUND);
    }

    private static boolean isFromHere(Throwable opened) {
        return List.of(opened.getStackTrace()).stream()
                .anyMatch(frame -> frame.getClassName().equals(WarningsTest.class.getName()));
    }

    @Test
    void a_transaction_that_is_open_for_too_long_is_warned_of_while_it_is() throws Exception {
        try (Database database = Database.file("WAL");
                Transactor db = db(database, Duration.ofMillis(1))) {
            db.execute(TxOptions.none().label("report"), tx -> {
                Sql.ints(tx, "select id from t");
                TxEvent.OpenTooLong warning = await(TxEvent.OpenTooLong.class, () -> {});
                assertThat(warning.label()).isEqualTo("report");
                assertThat(warning.open()).isGreaterThanOrEqualTo(Duration.ofMillis(1));
                assertThat(isFromHere(warning.opened())).isTrue();
            });
        }
    }

    /** Nothing refers to the handle when this has returned. */
    private static void lose(Transactor db) throws SQLException {
        UnmanagedTx lost = db.begin(TxOptions.none().readOnly().label("lost"));
        Sql.ints(lost, "select id from t");
    }

    @Test
    void a_transaction_whose_handle_was_lost_is_warned_of_and_no_other() throws Exception {
        try (Database database = Database.file("WAL");
                Transactor db = db(database, Duration.ofHours(1))) {
            db.execute(tx -> Sql.ints(tx, "select id from t"));
            db.begin().rollback();
            lose(db);
            List<TxEvent> before = new ArrayList<>(told);
            TxEvent.Leaked leaked = await(TxEvent.Leaked.class, System::gc);
            assertThat(leaked.label()).isEqualTo("lost");
            assertThat(leaked.holds()).startsWith("a connection to SQLite");
            assertThat(isFromHere(leaked.opened())).isTrue();
            assertThat(before).noneMatch(TxEvent.Leaked.class::isInstance);
            assertThat(told).noneMatch(TxEvent.Leaked.class::isInstance);
        }
    }
}
