package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Step.Drive;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/*
 * How transactions begin and end.
 *
 * BEGIN is the driver's: it is not sent by itself but in front of the first statement, so a plain transaction costs two
 * round trips, and one with options three: all options are one string. Every setting is one that ends with its transaction
 * (SET TRANSACTION, SET LOCAL, SET CONSTRAINTS), so nothing has to be put back. Read-only alone is the driver's as well:
 * told so beforehand, it sends BEGIN READ ONLY.
 *
 * COMMIT of a transaction that an error has aborted is answered with "ROLLBACK" and no error, and drivers pass over that.
 * pgjdbc knows the state of the transaction from each answer, so it is asked before; with another driver a statement
 * travels in front of COMMIT, which an aborted transaction answers with 25P02.
 */
final class PostgresPlans {
    private static final String TX_ID = "tx_id";
    private static final String INCARNATION = "incarnation";
    private static final String SYSTEM = "system";
    private static final String TIMELINE = "timeline";
    private static final String LOGGED = "logged";
    private static final String STANDBY = "standby";

    /**
     * Which life of which server this is. A transaction id is not logged when it is given out, so a server that crashed, or
     * a standby that was promoted, gives the last ids out again: seen on 14 and 18. Both have replayed log, at whose end this
     * changes; a restart changes it as well.
     */
    private static final String THIS_INCARNATION = "extract(epoch FROM pg_postmaster_start_time())::text || '/' ||"
            + " coalesce(pg_last_wal_replay_lsn()::text, '-')";

    private static final String THIS_SYSTEM = "(SELECT system_identifier::text FROM pg_control_system())";

    /** Only where the server is not in recovery. */
    private static final String THIS_TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int";

    /**
     * Writes a record of the transaction to the log, and answers where that ends: whoever has replayed so far does not give
     * the id out again. It is a message for logical decoding, so it is left out where somebody may decode.
     */
    private static final String LOG_ID = "CASE WHEN current_setting('wal_level') <> 'logical'"
            + " THEN pg_logical_emit_message(true, 'holdfast', '')::text ELSE '-' END";

    private static final Step.Sql READ_ID =
            Step.query("SELECT pg_current_xact_id()::text, " + THIS_INCARNATION, TX_ID, INCARNATION);

    private static final Step.Sql READ_AND_LOG_ID = Step.query(
            "SELECT pg_current_xact_id()::text, " + THIS_INCARNATION + ", " + THIS_SYSTEM + ", " + THIS_TIMELINE + ", "
                    + LOG_ID,
            TX_ID,
            INCARNATION,
            SYSTEM,
            TIMELINE,
            LOGGED);

    private static final String STATUS = "pg_xact_status('{" + TX_ID + "}'::xid8)";

    /** An id of the future is an error of pg_xact_status: one that no snapshot has seen the end of is not asked for. */
    private static final String IS_UNFINISHED = "'{" + TX_ID + "}'::xid8 >= pg_snapshot_xmax(pg_current_snapshot())";

    private static final Settlement SETTLEMENT = new Settlement(Message.each(new Step.Sql(
            "SELECT CASE WHEN " + THIS_INCARNATION + " <> '{" + INCARNATION + "}' THEN 'another incarnation'"
                    + " WHEN " + IS_UNFINISHED + " THEN 'in progress'"
                    + " ELSE coalesce(" + STATUS + ", 'too old') END",
            List.of(Settlement.OUTCOME),
            List.of(TX_ID, INCARNATION))));

    /**
     * The same, and what another incarnation of the same system can tell. Had it been committed there, its id would be: so any
     * other status means that it was not. That its id is committed says nothing by itself, as another transaction may have been
     * given it; but the first life of the next timeline has replayed the log up to where the timelines part, and to nowhere
     * else. If that is behind the record of the transaction, the id was not given out again; if not, the commit, which
     * is behind the record, was not replayed. A life in which log was received from another server, and which is no standby
     * any more, is such a first life.
     *
     * <p>Whether it is a standby is asked before: a snapshot from before the promotion may not see what was replayed since. It
     * is asked again, because what stands between may send the two statements to two servers.
     */
    private static final Settlement SETTLEMENT_OVER_PROMOTION = new Settlement(Message.each(
            Step.query("SELECT pg_is_in_recovery()::text", STANDBY),
            new Step.Sql(
                    "SELECT CASE WHEN " + THIS_INCARNATION + " = '{" + INCARNATION + "}' THEN"
                            + " CASE WHEN " + IS_UNFINISHED + " THEN 'in progress' ELSE coalesce(" + STATUS
                            + ", 'too old') END"
                            + " WHEN " + THIS_SYSTEM + " <> '{" + SYSTEM + "}' THEN 'another system'"
                            + " WHEN '{" + STANDBY + "}' <> 'false' OR pg_is_in_recovery() THEN 'in progress'"
                            + " WHEN " + IS_UNFINISHED + " THEN 'aborted'"
                            + " WHEN coalesce(" + STATUS + ", 'too old') = 'too old' THEN 'too old'"
                            + " WHEN " + STATUS + " <> 'committed' THEN 'aborted'"
                            + " WHEN nullif('{" + LOGGED + "}', '-') IS NULL OR pg_last_wal_receive_lsn() IS NULL"
                            + " OR " + THIS_TIMELINE + " <> {" + TIMELINE + "} + 1 THEN 'another incarnation'"
                            + " WHEN nullif('{" + LOGGED
                            + "}', '-')::pg_lsn <= pg_last_wal_replay_lsn() THEN 'committed'"
                            + " ELSE 'aborted' END",
                    List.of(Settlement.OUTCOME),
                    List.of(TX_ID, INCARNATION, SYSTEM, TIMELINE, LOGGED, STANDBY))));

    /** Refused with 25P02 by a transaction that an error has aborted. */
    private static final Step.Sql FENCE = Step.query("SELECT 1", "fence");

    private static final Step.Sql COMMIT = Step.sql("COMMIT");

    /** Why a level is given by another name. */
    private static final Map<Isolation, String> REASONS = Map.of(
            Isolation.READ_UNCOMMITTED, "the server never shows uncommitted rows",
            Isolation.SNAPSHOT, "that is the server's name for snapshot isolation");

    private static final Savepoints SAVEPOINTS = new Savepoints() {
        @Override
        public Message set(String name) {
            return Message.each(Step.sql("SAVEPOINT " + name));
        }

        /** The transaction may write again after the savepoint: PostgreSQL restores the mode with it. */
        @Override
        public Message setReadOnly(String name) {
            return Message.oneString(Step.sql("SAVEPOINT " + name), Step.sql("SET TRANSACTION READ ONLY"));
        }

        @Override
        public Message rollbackTo(String name) {
            return Message.oneString(Step.sql("ROLLBACK TO SAVEPOINT " + name), Step.sql("RELEASE SAVEPOINT " + name));
        }

        @Override
        public Message release(String name) {
            return Message.each(Step.sql("RELEASE SAVEPOINT " + name));
        }
    };

    private PostgresPlans() {}

    static Savepoints savepoints() {
        return SAVEPOINTS;
    }

    static Settlement settlement(Profile profile) {
        return tellsAfterPromotion(profile) ? SETTLEMENT_OVER_PROMOTION : SETTLEMENT;
    }

    /** Aurora's log is another one, and its servers take over without replaying any. */
    private static boolean tellsAfterPromotion(Profile profile) {
        return PostgresFlavour.of(profile) == PostgresFlavour.POSTGRESQL;
    }

    /** Whether the begin message reads the id of the transaction. */
    static boolean readsId(Wish wish) {
        return wish.carries(Carry.TX_ID) || wish.options().isVerifiable();
    }

    static TxPlan plan(Wish wish, Profile profile) {
        PostgresRefusals.check(wish, profile);
        boolean pgjdbc = PgjdbcPort.isFor(profile.identity());
        List<Step.Sql> locals = PostgresSettings.locals(wish.options(), profile);
        boolean readOnlyAlone = pgjdbc && isReadOnlyAlone(wish.options()) && locals.isEmpty();
        List<Step> begin = new ArrayList<>();
        List<Step> undo = new ArrayList<>();
        if (readOnlyAlone) {
            begin.add(Drive.READ_ONLY_ON);
        }
        if (profile.identity().autocommit() == Autocommit.ON) {
            begin.add(Drive.AUTOCOMMIT_OFF);
            undo.add(Drive.AUTOCOMMIT_ON);
        }
        if (readOnlyAlone) {
            begin.add(PgjdbcPort.READ_ONLY_FOR_CERTAIN);
            undo.add(Drive.READ_ONLY_OFF);
        } else {
            begin.addAll(PostgresSettings.modes(wish.options(), profile));
            begin.addAll(locals);
        }
        begin.addAll(PostgresSettings.label(wish.options()));
        if (readsId(wish)) {
            begin.add(tellsAfterPromotion(profile) ? READ_AND_LOG_ID : READ_ID);
        }
        return new TxPlan(
                new Message(Travel.ONE_STRING, begin),
                commit(wish, pgjdbc, undo),
                then(List.of(Drive.ROLLBACK), undo),
                notes(wish.options(), profile));
    }

    private static boolean isReadOnlyAlone(TxOptions options) {
        return options.access() == Access.READ_ONLY
                && options.isolation() == null
                && options.get(PostgresOptions.DEFERRABLE) == null;
    }

    private static CommitMessage commit(Wish wish, boolean pgjdbc, List<Step> undo) {
        if (wish.carries(Carry.POSITION)) {
            Message message = then(List.of(FENCE, COMMIT, PostgresPositions.READ), undo);
            return new CommitMessage(message, 1, Proof.RESULT, Fence.IN_MESSAGE);
        }
        if (pgjdbc) {
            return new CommitMessage(then(List.of(Drive.COMMIT), undo), 0, Proof.LAST, Fence.DRIVER_STATE);
        }
        return new CommitMessage(then(List.of(FENCE, COMMIT), undo), 1, Proof.LAST, Fence.IN_MESSAGE);
    }

    private static Message then(List<Step> first, List<Step> undo) {
        List<Step> steps = new ArrayList<>(first);
        steps.addAll(undo);
        return new Message(Travel.ONE_STRING, steps);
    }

    private static List<String> notes(TxOptions options, Profile profile) {
        Isolation asked = options.isolation();
        Level given = asked == null ? null : profile.levels().get(asked);
        if (asked == null
                || given == null
                || given.nativeName().equals(asked.name().replace('_', ' '))) {
            return List.of();
        }
        return List.of(asked + " is given as " + given.nativeName() + ": " + REASONS.get(asked));
    }
}
