package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.testkit.server.EmbeddedPostgresServer;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a server says of a transaction whose COMMIT was not answered. */
class SettlementOnServerTest extends ServerTest {
    private static final Wish VERIFIABLE = Wish.of(TxOptions.none()).carrying(Carry.TX_ID);

    private TxPlan plan() throws SQLException {
        return DIALECT.plan(VERIFIABLE, profile());
    }

    /** A transaction that wrote a row. */
    private Session written() throws SQLException {
        Session session = open();
        session.perform(plan().begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        return session;
    }

    private @Nullable String settled(Map<String, String> slots) throws SQLException {
        return settled(slots, open());
    }

    private @Nullable String settled(Map<String, String> slots, Session asking) throws SQLException {
        Message question = DIALECT.settlement(profile()).orElseThrow().question();
        asking.slots.putAll(slots);
        asking.perform(question);
        return asking.slots.get(Settlement.OUTCOME);
    }

    @Test
    void whatWasCommittedIsCommitted() throws SQLException {
        Session session = written();
        session.perform(plan().commit().message());

        assertThat(settled(session.slots)).isEqualTo("committed");
    }

    @Test
    void whatWasRolledBackIsAborted() throws SQLException {
        Session session = written();
        session.perform(plan().abort());

        assertThat(settled(session.slots)).isEqualTo("aborted");
    }

    @Test
    void whatRunsIsInProgress() throws SQLException {
        assertThat(settled(written().slots)).isEqualTo("in progress");
    }

    @Test
    void whatRunsIsInProgress_thoughLaterOnesHaveEnded() throws SQLException {
        Session session = written();
        open().run("INSERT INTO item VALUES (4, 0)");

        assertThat(settled(session.slots)).isEqualTo("in progress");
    }

    @Test
    void anIdOfTheFutureIsNoError() throws SQLException {
        Session session = written();
        session.slots.put("tx_id", "9000000000000");

        assertThat(settled(session.slots)).isEqualTo("in progress");
    }

    @Test
    void anotherLifeOfTheServerDoesNotSettleWhatMayBeAnothersCommit() throws SQLException {
        Session session = written();
        session.perform(plan().commit().message());
        session.slots.put("incarnation", "1790000000.5/0/1");

        assertThat(settled(session.slots)).isEqualTo("another incarnation");
    }

    /** Had it been committed, nobody else would have been given its id, and it would be committed. */
    @Test
    void anotherLifeOfTheServerTellsWhatWasNotCommitted() throws SQLException {
        Session session = written();
        session.slots.put("incarnation", "1790000000.5/0/1");
        assertThat(settled(session.slots)).as("an id that is in use").isEqualTo("aborted");
        session.perform(plan().abort());
        assertThat(settled(session.slots)).as("an id that was rolled back").isEqualTo("aborted");
        session.slots.put("tx_id", "9000000000000");
        assertThat(settled(session.slots)).as("an id of the future").isEqualTo("aborted");
    }

    @Test
    void anotherSystemSettlesNothing() throws SQLException {
        Session session = written();
        session.slots.put("incarnation", "1790000000.5/0/1");
        session.slots.put("system", "12");
        assertThat(settled(session.slots)).isEqualTo("another system");
    }

    @Test
    void anOrdinaryUserNeedsNoPrivileges() throws SQLException {
        Session session = open();
        String role = "plain_" + session.ask("SELECT pg_backend_pid()");
        session.run("CREATE ROLE " + role);
        try {
            session.run("SET SESSION AUTHORIZATION " + role);
            session.perform(plan().begin());
            assertThat(session.slots).containsKeys("tx_id", "incarnation", "system", "timeline", "logged");
            assertThat(session.slots.get("logged")).matches("[0-9A-F]+/[0-9A-F]+");
            session.perform(plan().commit().message());
            session.slots.put("incarnation", "1790000000.5/0/1");
            assertThat(settled(Map.copyOf(session.slots), session)).isEqualTo("another incarnation");
        } finally {
            session.run("RESET SESSION AUTHORIZATION");
            session.run("DROP ROLE " + role);
        }
    }

    /**
     * The id of a transaction that was lost in a crash is given out again. The server is the tests' own, and comes back by
     * itself. Now and then the log has just been written when it crashes: then the id is known, and not given out again.
     */
    @Test
    void aServerThatCrashedDoesNotTakeAnothersCommitForTheLostOne() throws SQLException {
        int crashes = 0;
        boolean givenOutAgain = false;
        while (!givenOutAgain) {
            assertThat(++crashes)
                    .as("crashes, after none of which an id was given out again")
                    .isLessThan(6);
            givenOutAgain = isGivenOutAgainAfterACrash();
        }
    }

    private boolean isGivenOutAgainAfterACrash() throws SQLException {
        String url = EmbeddedPostgresServer.start(major).url();
        try (Session lost = new Session(DriverManager.getConnection(url))) {
            lost.run("CREATE TABLE IF NOT EXISTS public.crashed (n int)");
            lost.run("CHECKPOINT");
            lost.perform(plan().begin());
            lost.run("INSERT INTO public.crashed VALUES (1)");
            String id = String.valueOf(lost.slots.get("tx_id"));
            String pid = String.valueOf(lost.ask("SELECT pg_backend_pid()"));
            lost.errorOf("COPY (SELECT 1) TO PROGRAM 'kill -9 " + pid + "'");
            try (Session after = cameBack(url, lost.slots)) {
                reachId(after, Long.parseLong(id));
                boolean again = "committed".equals(after.ask("SELECT pg_xact_status('" + id + "'::xid8)"));
                assertThat(after.ask("SELECT count(*) FROM public.crashed")).isEqualTo("0");
                assertThat(settled(lost.slots, after)).isEqualTo(again ? "another incarnation" : "aborted");
                after.run("DROP TABLE public.crashed");
                return again;
            }
        }
    }

    /** A session of the server's next life: one of the old may be let in for a moment before it is ended. */
    private Session cameBack(String url, Map<String, String> before) {
        Session[] back = new Session[1];
        await("the server is back", () -> {
            try {
                Session candidate = new Session(DriverManager.getConnection(url));
                if ("aborted".equals(settled(before, candidate))) {
                    back[0] = candidate;
                    return true;
                }
                candidate.close();
                return false;
            } catch (SQLException notYet) {
                return false;
            }
        });
        return back[0];
    }

    /** Commits until this id was given out again. */
    private static void reachId(Session session, long id) {
        await("id " + id + " was used", () -> {
            session.connection.setAutoCommit(false);
            String given = String.valueOf(session.ask("SELECT pg_current_xact_id()::text"));
            session.connection.commit();
            session.connection.setAutoCommit(true);
            return Long.parseLong(given) >= id;
        });
    }
}
