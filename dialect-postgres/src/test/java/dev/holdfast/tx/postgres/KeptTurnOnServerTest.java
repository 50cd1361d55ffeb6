package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.TestServer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Another thread is in a statement of a transaction when that is to end. */
class KeptTurnOnServerTest extends ServerTest {
    /** The statement waits for a row until after the caller was told. */
    @Test
    void theCallerIsToldWhileTheStatementWaits_andNothingOfItIsKept() throws Exception {
        Session holder = open();
        String table = holder.ask("SELECT current_schema()") + ".item";
        holder.connection.setAutoCommit(false);
        holder.run("UPDATE item SET n = 1 WHERE id = 1");
        AtomicReference<String> pid = new AtomicReference<>();
        AtomicReference<CompletableFuture<Throwable>> other = new AtomicReference<>();
        try (Transactor db = Holdfast.builder(TestServer.postgres(major).find().url())
                .patience(Duration.ofMillis(500))
                .build()) {
            Throwable told = finished(meanwhile(() -> catchThrowable(() -> db.execute(tx -> {
                pid.set(String.valueOf(Sql.ints(tx, "SELECT pg_backend_pid()").get(0)));
                other.set(meanwhile(
                        () -> catchThrowable(() -> Sql.update(tx, "UPDATE " + table + " SET n = 7 WHERE id = 1"))));
                awaitWaiting(pid.get());
            }))));

            assertThat(told).isInstanceOf(TxRolledBackException.class).hasStackTraceContaining("kept its turn");
            assertThat(((TxRolledBackException) told).outcome().reason()).isEqualTo(Outcome.Reason.CHILD_STILL_OPEN);
            holder.connection.rollback();
            finished(other.get());
            awaitGone(pid.get());
            assertThat(count("n = 7")).isZero();
        }
    }
}
