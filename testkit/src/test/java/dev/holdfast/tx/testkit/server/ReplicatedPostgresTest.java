package dev.holdfast.tx.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ReplicatedPostgresTest {
    /** Those that asked for what was removed meanwhile were seconds behind, or for ever. */
    @Test
    void a_standby_is_never_cut_off_while_others_are_made_of_its_primary() throws Exception {
        ReplicatedServer server = ReplicatedServer.postgres(18);
        FailoverPair.await(
                server.replica(), "select count(*) from pg_stat_wal_receiver where status = 'streaming'", "1");
        String receiver = "select max(pid) from pg_stat_wal_receiver";
        String first = ReplicatedServer.ask(server.replica(), receiver);
        for (int i = 0; i < 6; i++) {
            ReplicatedServer.postgresToPromote(18);
            ReplicatedServer.tell(server.primary(), List.of("create table others" + i + " (id int)"));
            FailoverPair.await(
                    server.replica(), "select count(*) from pg_class where relname = 'others" + i + "'", "1");
        }

        assertThat(ReplicatedServer.ask(server.replica(), receiver)).isEqualTo(first);
    }
}
