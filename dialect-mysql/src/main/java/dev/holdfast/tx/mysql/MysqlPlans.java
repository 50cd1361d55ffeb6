package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.mysql.MysqlSettings.Variable;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Identity.DriverAccess;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/*
 * How transactions begin and end.
 *
 * Where connections idle with autocommit off, a transaction begins with its first statement and costs no message. With
 * options there is one before it, and on a pool with autocommit on there always is one, which says START TRANSACTION.
 *
 * The end is always SQL, never a call of the driver: drivers send no COMMIT or ROLLBACK where they believe that no
 * transaction is open, and believe so wrongly after an error. What SET TRANSACTION said without a statement following would
 * then hit the next user of the connection.
 *
 * A statement that commits by itself, inside a procedure for instance, cannot be told from its answer, and a COMMIT without a
 * transaction is no error here. Where messages are sent anyhow, a savepoint is set at the begin and released in front of
 * COMMIT: the server answers 1305 if the transaction is not the same any more. Where statements cannot travel together, the
 * driver is asked instead, which costs nothing but is known to be right only if START TRANSACTION was sent.
 */
final class MysqlPlans {
    private static final Step ROOT_SAVEPOINT = Step.sql("SAVEPOINT hf_root");
    private static final Step FENCE = Step.sql("RELEASE SAVEPOINT hf_root");
    private static final Step COMMIT = Step.sql("COMMIT");
    private static final Step ROLLBACK = Step.sql("ROLLBACK");

    private MysqlPlans() {}

    private record SqlSavepoints(Travel travel) implements Savepoints {
        @Override
        public Message set(String name) {
            return Message.each(Step.sql("SAVEPOINT " + name));
        }

        /** A savepoint that was rolled back to is still there. */
        @Override
        public Message rollbackTo(String name) {
            return new Message(
                    travel, List.of(Step.sql("ROLLBACK TO SAVEPOINT " + name), Step.sql("RELEASE SAVEPOINT " + name)));
        }

        @Override
        public Message release(String name) {
            return Message.each(Step.sql("RELEASE SAVEPOINT " + name));
        }
    }

    static Savepoints savepoints(Profile profile) {
        return new SqlSavepoints(travel(profile.identity()));
    }

    /** How several statements get to the server in one round trip, if they can. */
    static Travel travel(Identity identity) {
        if (MysqlPort.sendsMultiQueries(identity)) {
            return Travel.ONE_STRING;
        }
        return MysqlPort.pipelinesBatches(identity) ? Travel.BATCH : Travel.EACH;
    }

    static TxPlan plan(Wish wish, Profile profile) {
        MysqlRefusals.check(wish, profile);
        TxOptions options = wish.options();
        Travel travel = travel(profile.identity());
        List<Variable> variables = MysqlSettings.variables(options, profile);
        boolean starts = profile.identity().autocommit() == Autocommit.ON || takesSnapshot(options);

        List<Step> begin = new ArrayList<>();
        List<Step> commit = new ArrayList<>();
        List<Step> abort = new ArrayList<>(List.of(ROLLBACK));
        if (!variables.isEmpty()) {
            begin.add(Step.sql(MysqlSettings.change(variables)));
        }
        addIfAny(begin, MysqlSettings.modes(options, profile, starts));
        if (starts) {
            begin.add(Step.sql(MysqlSettings.start(options, profile)));
        }
        Fence fence = fence(profile.identity(), travel, starts, begin.isEmpty());
        if (fence == Fence.IN_MESSAGE) {
            begin.add(ROOT_SAVEPOINT);
            commit.add(FENCE);
        }
        if (MysqlMarkers.isWished(wish)) {
            if (commit.isEmpty() && travel == Travel.ONE_STRING) {
                commit.add(MysqlMarkers.NO_INSERT);
            }
            (MysqlMarkers.travelsWithCommit(travel) ? commit : begin).addAll(MysqlMarkers.steps(profile));
        }
        List<Step> putBack = putBack(variables, profile);
        commit.addAll(putBack);
        abort.addAll(putBack);
        int commitStep = commit.size();
        commit.add(COMMIT);
        Proof proof = travel == Travel.BATCH && commit.size() > 1 ? Proof.COUNTS : Proof.LAST;
        if (wish.carries(Carry.POSITION)) {
            commit.add(MysqlPositions.read(profile));
            proof = Proof.RESULT;
        }
        return new TxPlan(
                new Message(travel, begin),
                new CommitMessage(new Message(travel, commit), commitStep, proof, fence),
                new Message(travel, abort),
                notes(options, profile));
    }

    /** Of a lock that failed, its limit on waiting comes first: it was set last. */
    private static List<Step> putBack(List<Variable> variables, Profile profile) {
        List<Step> steps = new ArrayList<>();
        if (MysqlLocks.limitsByVariable(profile)) {
            steps.add(MysqlLocks.PUT_BACK);
        }
        if (!variables.isEmpty()) {
            steps.add(Step.sql(MysqlSettings.putBack(variables)));
        }
        return steps;
    }

    static boolean takesSnapshot(TxOptions options) {
        return Boolean.TRUE.equals(options.get(MysqlOptions.CONSISTENT_SNAPSHOT));
    }

    private static void addIfAny(List<Step> steps, @Nullable String sql) {
        if (sql != null) {
            steps.add(Step.sql(sql));
        }
    }

    /**
     * A savepoint in a batch would be no fence, because a batch goes on after an error. Where statements go one by one, it
     * costs two round trips, and is worth them only if nothing else tells.
     */
    private static Fence fence(Identity identity, Travel travel, boolean starts, boolean plain) {
        if (plain) {
            return Fence.NONE;
        }
        if (travel == Travel.ONE_STRING) {
            return Fence.IN_MESSAGE;
        }
        if (!starts) {
            return Fence.NONE;
        }
        return identity.driverAccess() == DriverAccess.VISIBLE
                ? Fence.DRIVER_STATE
                : travel == Travel.EACH ? Fence.IN_MESSAGE : Fence.NONE;
    }

    private static List<String> notes(TxOptions options, Profile profile) {
        List<String> notes = new ArrayList<>();
        if (options.isolation() == Isolation.SNAPSHOT) {
            notes.add("SNAPSHOT is given as REPEATABLE READ with " + MysqlProfiles.SNAPSHOT_ISOLATION + "=ON");
        }
        Duration lock = options.lockTimeout();
        if (lock != null && MysqlSettings.isRoundedUp(lock)) {
            notes.add("lockTimeout=" + lock + " is given as " + MysqlSettings.wholeSeconds(lock)
                    + " s: the server counts whole seconds");
        }
        if (options.statementTimeout() != null && MysqlFlavour.of(profile) != MysqlFlavour.MARIADB) {
            notes.add("statementTimeout is kept by the server for SELECT alone; what else takes longer is cancelled");
        }
        if (options.wholeTimeout() != null && MysqlSettings.idleLimit(MysqlFlavour.of(profile)) == null) {
            notes.add("wholeTimeout is kept by the client alone: should it die, the server does not know");
        }
        return notes;
    }
}
