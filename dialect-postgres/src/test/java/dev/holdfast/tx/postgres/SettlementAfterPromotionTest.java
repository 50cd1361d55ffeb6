package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.testkit.server.FailoverPair;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a standby that was promoted says of transactions of the primary that died, after it has given their ids out again as far
 * as it had not heard of them.
 */
class SettlementAfterPromotionTest {
    private static final Wish VERIFIABLE = Wish.of(TxOptions.none()).carrying(Carry.TX_ID);

    /** As the tests name them: the standby has ... */
    private static final String ALL_OF_IT = "all of it";

    private static final String ITS_ROLLBACK = "its rollback";
    private static final String ITS_ROWS = "its rows, but no end";
    private static final String ITS_ID = "its id alone, and it was committed";
    private static final String NOTHING = "nothing of it, and it was committed";
    private static final String NOTHING_AND_OPEN = "nothing of it, and it was not committed";

    private final Map<String, Session> transactions = new LinkedHashMap<>();

    private static Session session(ServerUrl server, String synchronousCommit) throws SQLException {
        Session session = new Session(DriverManager.getConnection(server.url()));
        session.run("SET synchronous_commit = " + synchronousCommit);
        return session;
    }

    private static Profile profile(Session session) throws SQLException {
        Identity identity = Identity.of(session.connection);
        session.perform(DIALECT.probe(identity));
        return DIALECT.profile(identity, new Answers(new HashMap<>(session.slots)));
    }

    private static @Nullable String settled(Session asking, Settlement settlement, Map<String, String> slots)
            throws SQLException {
        asking.slots.clear();
        asking.slots.putAll(slots);
        asking.perform(settlement.question());
        return asking.slots.get(Settlement.OUTCOME);
    }

    /** Its second statement, after another server than the one that is asked has answered the first. */
    private static Settlement askedOfTwo(Settlement settlement) {
        List<Step> steps = new ArrayList<>(settlement.question().steps());
        steps.set(0, Step.query("SELECT 'false'", "standby"));
        return new Settlement(Message.each(steps.toArray(Step[]::new)));
    }

    private static String status(Session asking, Map<String, String> slots) throws SQLException {
        return String.valueOf(asking.ask("SELECT pg_xact_status('" + slots.get("tx_id") + "'::xid8)"));
    }

    private Session begun(FailoverPair pair, TxPlan plan, String what) throws SQLException {
        Session session = session(pair.primary(), "local");
        session.perform(plan.begin());
        transactions.put(what, session);
        return session;
    }

    private void write(String what) throws SQLException {
        session(what).run("INSERT INTO mark VALUES ('" + what + "')");
    }

    private Session session(String what) {
        return Objects.requireNonNull(transactions.get(what), what);
    }

    private Map<String, @Nullable String> settled(Session asking, Settlement settlement) throws SQLException {
        Map<String, @Nullable String> answers = new LinkedHashMap<>();
        for (Map.Entry<String, Session> each : transactions.entrySet()) {
            answers.put(each.getKey(), settled(asking, settlement, each.getValue().slots));
        }
        return answers;
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void anIdThatWasGivenOutAgainIsNotTakenForTheLostOne(int major) throws Exception {
        try (FailoverPair pair = FailoverPair.postgres(major);
                Session primary = session(pair.primary(), "on")) {
            Profile profile = profile(primary);
            TxPlan plan = DIALECT.plan(VERIFIABLE, profile);
            Settlement settlement = DIALECT.settlement(profile).orElseThrow();
            primary.run("CREATE TABLE mark (what text)");

            begun(pair, plan, ALL_OF_IT);
            write(ALL_OF_IT);
            session(ALL_OF_IT).perform(plan.commit().message());
            begun(pair, plan, ITS_ROLLBACK);
            write(ITS_ROLLBACK);
            session(ITS_ROLLBACK).perform(plan.abort());
            begun(pair, plan, ITS_ROWS);
            write(ITS_ROWS);
            begun(pair, plan, ITS_ID);
            primary.run("INSERT INTO mark VALUES ('the standby has all before this')");
            cutOff(pair);
            write(ITS_ID);
            session(ITS_ID).perform(plan.commit().message());
            begun(pair, plan, NOTHING);
            write(NOTHING);
            session(NOTHING).perform(plan.commit().message());
            begun(pair, plan, NOTHING_AND_OPEN);
            write(NOTHING_AND_OPEN);
            pair.killPrimary();

            Map<String, @Nullable String> unsettled = new LinkedHashMap<>();
            Map<String, @Nullable String> truth = new LinkedHashMap<>();
            for (String what : transactions.keySet()) {
                unsettled.put(what, "in progress");
                truth.put(what, what.equals(ALL_OF_IT) ? "committed" : "aborted");
            }
            try (Session asking = session(pair.replica(), "on")) {
                assertThat(settled(asking, settlement))
                        .as("before the promotion")
                        .isEqualTo(unsettled);
                assertThat(settled(asking, askedOfTwo(settlement)))
                        .as("where another server has said that it is the primary")
                        .isEqualTo(unsettled);
                pair.promote();
                assertThat(settled(asking, settlement)).as("after it").isEqualTo(truth);
                reachId(
                        asking,
                        Long.parseLong(
                                String.valueOf(session(NOTHING_AND_OPEN).slots.get("tx_id"))));
                assertThat(status(asking, session(NOTHING).slots)).isEqualTo("committed");
                assertThat(status(asking, session(NOTHING_AND_OPEN).slots)).isEqualTo("committed");
                assertThat(asking.ask("SELECT count(*) FROM mark WHERE what LIKE 'nothing%'"))
                        .isEqualTo("0");
                assertThat(settled(asking, settlement))
                        .as("its ids given out again")
                        .isEqualTo(truth);

                assertThat(changed(asking, settlement, NOTHING, "logged", "0/1"))
                        .as("what it would be taken for")
                        .isEqualTo("committed");
                assertThat(changed(asking, settlement, ALL_OF_IT, "logged", "-"))
                        .isEqualTo("another incarnation");
                assertThat(changed(asking, settlement, ALL_OF_IT, "timeline", "2"))
                        .isEqualTo("another incarnation");
                assertThat(changed(asking, settlement, ALL_OF_IT, "system", "12"))
                        .isEqualTo("another system");
                endOfTheFirstLife(asking, settlement, pair);
            }
        }
    }

    /** What the server says of one, had it carried something else along. */
    private @Nullable String changed(Session asking, Settlement settlement, String what, String slot, String value)
            throws SQLException {
        Map<String, String> slots = new HashMap<>(session(what).slots);
        slots.put(slot, value);
        return settled(asking, settlement, slots);
    }

    /** Where replaying has ended in a later life says nothing of where the timelines part. */
    private void endOfTheFirstLife(Session asking, Settlement settlement, FailoverPair pair) throws SQLException {
        String pid = String.valueOf(asking.ask("SELECT pg_backend_pid()"));
        String started = String.valueOf(asking.ask("SELECT pg_last_wal_replay_lsn()::text"));
        asking.run("INSERT INTO mark VALUES ('later')");
        asking.errorOf("COPY (SELECT 1) TO PROGRAM 'kill -9 " + pid + "'");
        ServerTest.await("the server is back", () -> {
            try (Session after = session(pair.replica(), "on")) {
                if (started.equals(after.ask("SELECT pg_last_wal_replay_lsn()::text"))) {
                    return false;
                }
                assertThat(settled(after, settlement, session(ALL_OF_IT).slots)).isEqualTo("another incarnation");
                assertThat(settled(after, settlement, session(ITS_ROLLBACK).slots))
                        .isEqualTo("aborted");
                return true;
            } catch (SQLException notYet) {
                return false;
            }
        });
    }

    /** The standby receives nothing any more. */
    private static void cutOff(FailoverPair pair) throws SQLException {
        try (Session standby = session(pair.replica(), "on")) {
            standby.run("ALTER SYSTEM SET primary_conninfo = ''");
            standby.run("SELECT pg_reload_conf()");
            ServerTest.await(
                    "the standby receives nothing",
                    () -> "0".equals(standby.ask("SELECT count(*) FROM pg_stat_wal_receiver")));
        }
    }

    /** Commits until this id was given out again. */
    private static void reachId(Session session, long id) {
        ServerTest.await("id " + id + " was used", () -> {
            String given = String.valueOf(session.ask("SELECT pg_current_xact_id()::text"));
            return Long.parseLong(given) >= id;
        });
    }
}
