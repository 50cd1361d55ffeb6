package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.ServerTest.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A standby is promoted: from then on there are two histories, and another standby may follow the one that was left. */
class PromotedStandbyTest {
    private static final TxOptions READ = TxOptions.none().readOnly();
    private static final ReplicaPolicy QUICK =
            ReplicaPolicy.standard().probeEvery(Duration.ofMillis(50)).catchUpWithin(Duration.ofMillis(200));

    private final String table = "promoted" + ProcessHandle.current().pid();

    private static void run(Transactor db, String... statements) {
        db.execute(tx -> {
            try (Statement statement = tx.connection().createStatement()) {
                for (String sql : statements) {
                    statement.execute(sql);
                }
            }
        });
    }

    private static String ask(Tx tx, String query) throws SQLException {
        try (Statement statement = tx.connection().createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private static String reads(Transactor db, TxOptions reading, String query) {
        return db.transact(reading, tx -> ask(tx, query));
    }

    private static boolean isOnReplica(Transactor db, TxOptions reading) {
        return reads(db, reading, "select pg_is_in_recovery()").equals("t");
    }

    @Test
    void itIsLeftOut_andPositionsOfTheTwoHistoriesAreNotTakenForEachOther() throws Exception {
        ReplicatedServer left = ReplicatedServer.postgres(18);
        ReplicatedServer promoted = ReplicatedServer.postgresToPromote(18);
        left.resume();
        TxOptions anywhere = READ.reads(Reads.replica());
        String before;
        try (Transactor db = Holdfast.builder(promoted.primary().url())
                .replica(promoted.replica().url())
                .replicaPolicy(QUICK)
                .build()) {
            await("it is read from a replica", () -> isOnReplica(db, anywhere));
            run(db, "create table " + table + " (id int primary key)");
            TxOptions seen = READ.reads(Reads.causal(db.causalToken()));
            await("the table is on the replica", () -> isOnReplica(db, seen));
            before = db.causalToken().toString();

            promoted.promote();

            await("it is left out", () -> !isOnReplica(db, anywhere));
            // the history that is left goes on, and further than the other will
            run(db, "insert into " + table + " select generate_series(1, 1000)");
        }
        try (Transactor there = Holdfast.connect(left.replica().url())) {
            await(
                    "the table is on the other replica",
                    () -> reads(there, READ, "select count(*) from pg_class where relname = '" + table + "'")
                            .equals("1"));
        }
        try (Transactor old = Holdfast.connect(left.primary().url());
                Transactor db = Holdfast.builder(promoted.replica().url())
                        .replica(left.replica().url())
                        .replicaPolicy(QUICK)
                        .build()) {
            await("it is read from a replica", () -> isOnReplica(db, anywhere));
            await(
                    "all rows are there",
                    () -> reads(db, anywhere, "select count(*) from " + table).equals("1000"));

            run(db, "insert into " + table + " values (7)");
            assertThat(reads(db, READ, "select count(*) from " + table))
                    .as("seen by who has committed on the new primary")
                    .isEqualTo("1");

            TxOptions tokenOfBefore = READ.reads(Reads.causal(new CausalToken(before)));
            assertThat(reads(db, tokenOfBefore, "select count(*) from " + table))
                    .isIn("1", "1000");
            CausalToken after = db.causalToken();
            assertThat(reads(db, READ.reads(Reads.causal(after)), "select count(*) from " + table))
                    .isEqualTo("1");
            assertThatThrownBy(() -> reads(old, READ.reads(Reads.causal(after)), "select 1"))
                    .as("what the old primary says of a commit on the new one")
                    .hasMessageContaining("has not seen");
            run(old, "drop table " + table);
        }
    }
}
