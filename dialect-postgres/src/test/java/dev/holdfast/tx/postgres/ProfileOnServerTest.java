package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TestHooks;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a real server is found to be. */
class ProfileOnServerTest extends ServerTest {
    @Test
    void itIsPostgresOfItsVersion() throws SQLException {
        Profile profile = profile();

        assertThat(profile.flavour()).isEqualTo("PostgreSQL");
        assertThat(profile.major()).isEqualTo(major);
        assertThat(profile.minor()).isPositive();
    }

    @Test
    void itHasTheDefaultsOfANewServer() throws SQLException {
        Profile profile = profile();

        assertThat(profile.defaultIsolation()).isEqualTo(Isolation.READ_COMMITTED);
        assertThat(PostgresProfiles.isStandby(profile)).isFalse();
        assertThat(PostgresProfiles.isReadOnlyByDefault(profile)).isFalse();
        assertThat(profile.features()).isEqualTo(DIALECT.typicalProfile().features());
    }

    @Test
    void theHooksTellWhoWaits() throws Exception {
        TestHooks hooks = DIALECT.testHooks(profile());
        Session holder = open();
        holder.connection.setAutoCommit(false);
        holder.run("UPDATE item SET n = 1 WHERE id = 1");
        Session waiter = open();
        String id = String.valueOf(waiter.ask(String.valueOf(hooks.sessionId())));
        String isWaiting = String.valueOf(hooks.isWaiting()).replace("{session}", id);

        assertThat(open().ask(isWaiting)).isNull();
        CompletableFuture<Integer> waiting = meanwhile(() -> {
            waiter.run("UPDATE item SET n = 2 WHERE id = 1");
            return 0;
        });
        awaitWaiting(id);
        assertThat(open().ask(isWaiting)).isNotNull();
        holder.connection.commit();
        finished(waiting);
    }
}
