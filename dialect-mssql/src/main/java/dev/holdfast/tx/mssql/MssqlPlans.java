package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Standing;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.util.ArrayList;
import java.util.List;

/*
 * How transactions begin and end: by SQL, each by one batch, with the driver on autocommit all the time.
 *
 * The driver's own commit() sends IF @@TRANCOUNT > 0 COMMIT TRAN, which is content with a transaction that is gone. Ours
 * raises an error unless there is one, it can be committed, and this COMMIT ends it: of two BEGIN TRAN the first COMMIT only
 * counts down. It tells by the state of the error whether something is left to be rolled back.
 *
 * Settings are the session's. The query that reads them comes first in its batch, because what follows the first result is
 * seen by the driver only when it is asked for more, and the engine asks. What puts them back comes after COMMIT: none of it
 * can fail where that committed, and a session at SNAPSHOT cannot be told so before. Where the fence left the transaction
 * open, going back to SNAPSHOT fails with 3951, which ends it: it was not committed either way. What was not read is not put back, and the lock timeout is put
 * back a second time, for a row lock that limited its waiting and failed.
 *
 * On a pool with autocommit off the session is in the mode of implicit transactions, where BEGIN TRAN would be the second of
 * two, and where after an error that ended the transaction the next statement would begin another. So that mode is left in the
 * batch that begins, and entered again in the one that ends; the driver does not notice.
 */
final class MssqlPlans {
    /** The states by which the fence tells what it found. */
    static final int STILL_THERE = 71;

    static final int GONE = 72;

    /** The state by which a begin batch tells that the database has come to take writes since it was probed. */
    static final int TAKES_WRITES = 73;

    private static final Step BEGIN = Step.sql("BEGIN TRAN");
    /** One probe speaks for the whole pool, and after a failover its connections may be those of a primary. */
    private static final Step BEGIN_READING =
            Step.sql("IF CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)) = 'READ_ONLY' BEGIN TRAN"
                    + " ELSE RAISERROR('Holdfast: access=READ_ONLY is not kept, as the database takes writes now', 16, "
                    + TAKES_WRITES + ")");

    private static final Step COMMIT = Step.sql("IF @@TRANCOUNT = 1 AND XACT_STATE() = 1 COMMIT TRAN"
            + " ELSE IF @@TRANCOUNT > 0 RAISERROR('Holdfast: the transaction cannot be committed', 16, " + STILL_THERE
            + ")"
            + " ELSE RAISERROR('Holdfast: there is no transaction to commit', 16, " + GONE + ")");
    private static final Step ROLLBACK = Step.sql("IF @@TRANCOUNT > 0 ROLLBACK TRAN");
    /** Open is what the fence would commit. */
    static final Standing STANDING = new Standing(Message.each(Step.query(
            "SELECT CASE WHEN @@TRANCOUNT = 0 THEN 'ended' WHEN @@TRANCOUNT = 1 AND XACT_STATE() = 1 THEN 'open'"
                    + " ELSE 'doomed' END",
            Standing.STATE)));

    static final Replication REPLICATION = new Replication(
            Message.each(Step.query(
                    "SELECT CASE WHEN CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)) = 'READ_ONLY'"
                            + " THEN '" + Replication.REPLICA + "' ELSE '" + Replication.PRIMARY + "' END",
                    Replication.ROLE)),
            null);

    private static final Step LEAVE_IMPLICIT_MODE = Step.sql("SET IMPLICIT_TRANSACTIONS OFF");
    private static final Step ENTER_IMPLICIT_MODE = Step.sql("SET IMPLICIT_TRANSACTIONS ON");

    /** Names are not quoted: they are the engine's, and short. */
    private static final Savepoints SAVEPOINTS = new Savepoints() {
        @Override
        public Message set(String name) {
            return Message.each(Step.sql("SAVE TRAN " + name));
        }

        @Override
        public Message rollbackTo(String name) {
            return Message.each(Step.sql("ROLLBACK TRAN " + name));
        }

        @Override
        public Message release(String name) {
            return Message.nothing();
        }
    };

    private MssqlPlans() {}

    static Savepoints savepoints() {
        return SAVEPOINTS;
    }

    static TxPlan plan(Wish wish, Profile profile) {
        MssqlRefusals.check(wish, profile);
        List<MssqlSettings> settings = MssqlSettings.of(wish.options(), profile);
        boolean implicit = profile.identity().autocommit() == Autocommit.OFF;

        List<Step> begin = new ArrayList<>();
        if (!settings.isEmpty()) {
            begin.add(MssqlSettings.readAll(settings));
        }
        if (implicit) {
            begin.add(ROLLBACK); // of what was begun by whoever had the connection before, or by the query above
            begin.add(LEAVE_IMPLICIT_MODE);
        }
        settings.forEach(setting -> begin.add(setting.set()));
        begin.add(wish.options().access() == Access.READ_ONLY ? BEGIN_READING : BEGIN);
        if (MssqlMarkers.isWished(wish)) {
            begin.addAll(MssqlMarkers.steps(profile));
        }

        List<Step> undo = new ArrayList<>();
        undo.add(MssqlSettings.putLockTimeoutBack(MssqlLocks.WAS));
        settings.forEach(setting -> undo.add(setting.putBack()));
        if (implicit) {
            undo.add(ENTER_IMPLICIT_MODE);
        }
        return new TxPlan(
                new Message(Travel.ONE_STRING, begin),
                new CommitMessage(then(COMMIT, undo), 0, Proof.LAST, Fence.IN_MESSAGE),
                then(ROLLBACK, undo),
                notes(wish.options(), profile));
    }

    private static Message then(Step first, List<Step> undo) {
        List<Step> steps = new ArrayList<>();
        steps.add(first);
        steps.addAll(undo);
        return new Message(Travel.ONE_STRING, steps);
    }

    private static List<String> notes(TxOptions options, Profile profile) {
        List<String> notes = new ArrayList<>();
        if (MssqlProfiles.onlyReads(profile) && options.access() != Access.READ_ONLY) {
            notes.add("writes are refused: the database can only be read through this data source");
        }
        if (Boolean.TRUE.equals(options.get(MssqlOptions.XACT_ABORT))) {
            notes.add("an error of a statement ends the whole transaction, its savepoints included");
        }
        if (options.wholeTimeout() != null) {
            notes.add("wholeTimeout is kept by the client alone: should it die, the server does not know");
        }
        return notes;
    }
}
