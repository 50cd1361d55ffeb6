package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.READ;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.spi.PoolAdvice;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Pools that Holdfast opens itself. */
class MssqlConnectTest {
    private static final TxOptions HINT = TxOptions.none().readOnlyHint();

    private static Responder responder() throws Exception {
        return new Responder().answer(WRITE, Answer.count(1)).answer(READ, Answer.row(7));
    }

    @Test
    void a_url_is_enough() throws Exception {
        try (Responder responder = responder();
                Transactor db = Holdfast.connect(responder.url(), "test", "test")) {
            db.execute(Bed::write);
            assertThat(responder.committed()).containsExactly(WRITE);
            assertThat(db.explain(TxOptions.none())).contains("SQL Server 16.0").contains("BEGIN TRAN");
        }
    }

    @Test
    void a_listener_of_a_group_gets_a_second_pool_that_intends_to_read() throws Exception {
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = Holdfast.connect(responder.url() + ";multiSubnetFailover=true", "test", "test")) {
            assertThat(responder.log()).contains("login", "login, intent read-only");
            db.execute(Bed::write);
            db.execute(TxOptions.none().readOnly(), tx -> Bed.send(tx, READ));
            db.execute(TxOptions.none().readOnlyHint(), tx -> Bed.send(tx, READ));
            assertThatThrownBy(() -> db.execute(
                            TxOptions.none().readOnly().isolation(dev.holdfast.tx.Isolation.SERIALIZABLE), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class);
            assertThat(responder.committed()).containsExactly(WRITE);
        }
    }

    private static Transactor group(Responder responder, Duration stickyFor, TxOptions defaults) {
        return Holdfast.builder(responder.url() + ";multiSubnetFailover=true")
                .credentials("test", "test")
                .options(defaults)
                .replicaPolicy(ReplicaPolicy.standard().stickyFor(stickyFor))
                .build();
    }

    private static boolean intendsToRead(Transactor db, TxOptions options) {
        return db.transact(options, tx -> {
            Bed.send(tx, READ);
            return tx.connection().getMetaData().getURL().contains("applicationIntent=readonly");
        });
    }

    @Test
    void what_reads_through_a_listener_stays_with_the_primary_for_its_time_after_a_commit() throws Exception {
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = group(responder, Duration.ofDays(1), TxOptions.none())) {
            assertThat(intendsToRead(db, HINT)).isTrue();
            db.execute(Bed::write);
            assertThat(intendsToRead(db, HINT)).isFalse();
            assertThat(intendsToRead(db, HINT.reads(Reads.sticky(Duration.ofDays(1)))))
                    .isFalse();
            assertThat(intendsToRead(db, HINT.reads(Reads.sticky(Duration.ofNanos(1)))))
                    .isTrue();
            assertThat(intendsToRead(db, HINT.reads(Reads.replica()))).isTrue();
            assertThat(intendsToRead(db, TxOptions.none().readOnly())).isTrue(); // no primary enforces it
        }
    }

    @Test
    void what_reads_by_default_is_looked_at_each_time() throws Exception {
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = group(responder, Duration.ofDays(1), HINT)) {
            assertThat(intendsToRead(db, TxOptions.none())).isTrue();
            db.execute(TxOptions.none().readWrite(), Bed::write);
            assertThat(intendsToRead(db, TxOptions.none())).isFalse();
        }
    }

    @Test
    void reads_that_stay_with_the_primary_do_not_keep_each_other_there() throws Exception {
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = group(responder, Duration.ofMillis(300), TxOptions.none())) {
            db.execute(Bed::write);
            long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (!intendsToRead(db, HINT)) {
                assertThat(System.nanoTime()).as("in time").isLessThan(end);
            }
        }
    }

    /** It has no READ ONLY, and must not be read from a secondary either. */
    @Test
    void what_no_server_can_do_is_refused() throws Exception {
        TxOptions read = TxOptions.none().readOnly();
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = Holdfast.connect(responder.url() + ";multiSubnetFailover=true", "test", "test")) {
            TxOptions sticky = read.reads(Reads.sticky(Duration.ofDays(1)));
            db.execute(sticky, tx -> Bed.send(tx, READ));
            db.execute(Bed::write);
            assertThatThrownBy(() -> db.execute(sticky, tx -> Bed.send(tx, READ)))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("READ_ONLY");
            assertThatThrownBy(() -> db.execute(read.reads(Reads.causal()), tx -> Bed.send(tx, READ)))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("positions");
        }
    }

    @Test
    void a_connection_that_can_only_read_takes_read_only_and_refuses_read_write() throws Exception {
        try (Responder responder = responder().probed("updateability", "BY INTENT");
                Transactor db = Holdfast.connect(responder.url() + ";applicationIntent=ReadOnly", "test", "test")) {
            db.execute(TxOptions.none().readOnly(), tx -> Bed.send(tx, READ));
            assertThatThrownBy(() -> db.execute(TxOptions.none().readWrite(), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("only read");
        }
    }

    @Test
    void advice_is_for_its_own_urls() {
        MssqlDialect dialect = new MssqlDialect();
        assertThat(dialect.advise("jdbc:postgresql://db/shop")).isEmpty();
        PoolAdvice one = dialect.advise("jdbc:sqlserver://db").orElseThrow();
        assertThat(one.readers()).isNull();
        assertThat(one.properties()).containsEntry("connectRetryCount", "0");
        PoolAdvice group =
                dialect.advise("JDBC:SQLSERVER://db;MultiSubnetFailover = true").orElseThrow();
        assertThat(group.readers()).isNotNull();
        assertThat(group.readers().properties()).containsEntry("applicationIntent", "ReadOnly");
        assertThat(group.properties()).doesNotContainKey("applicationIntent");
        assertThat(dialect.advise("jdbc:sqlserver://db;multiSubnetFailover=true;applicationIntent=ReadWrite")
                        .orElseThrow()
                        .readers())
                .isNull();
    }

    @Test
    void what_only_speaks_like_a_sql_server_is_refused() throws Exception {
        try (Responder responder = responder().probed("edition", 6)) {
            assertThatThrownBy(() -> Holdfast.connect(responder.url(), "test", "test"))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("Synapse");
        }
    }

    @Test
    void azure_is_known_by_its_edition_and_never_by_its_version() throws Exception {
        try (Responder responder = responder()
                        .probed("edition", 5)
                        .probed("version", "12.0.2000.8")
                        .probed("rcsi", 1)
                        .probed("snapshot", 1);
                Transactor db = Holdfast.connect(responder.url(), "test", "test")) {
            assertThat(db.explain(TxOptions.of(dev.holdfast.tx.Isolation.SNAPSHOT)))
                    .contains("Azure SQL Database 12.0")
                    .contains("SNAPSHOT");
        }
    }

    @Test
    void every_version_from_13_to_17_is_taken_and_sent_the_same() throws Exception {
        for (int major = 13; major <= 17; major++) {
            try (Responder responder = responder().probed("version", major + ".0.1.1");
                    Transactor db = Holdfast.connect(responder.url(), "test", "test")) {
                responder.clearLog();
                db.execute(Bed::write);
                assertThat(responder.log())
                        .containsExactly("batch: " + Bed.BEGIN, "batch: " + WRITE, "batch: " + Bed.COMMIT);
            }
        }
        for (int major = 11; major <= 12; major++) {
            try (Responder old = responder().probed("version", major + ".0.1.1")) {
                assertThatThrownBy(() -> Holdfast.connect(old.url(), "test", "test"))
                        .isInstanceOf(TxException.class);
            }
        }
    }
}
