package dev.holdfast.tx.benchmarks;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Step.Drive;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * For measuring only: begins and ends by the driver's calls, the same that the hand-written code makes. Read-only access
 * is left to the driver, which H2 takes for a hint; a dialect for use would have to refuse it.
 */
final class CallsOnlyDialect implements Dialect {
    @Override
    public String name() {
        return "calls-only";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    @Override
    public Match accepts(Identity identity) {
        return Match.FAMILY;
    }

    @Override
    public Message probe(Identity identity) {
        return Message.nothing();
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return Profile.of(identity, identity.product())
                .level(Isolation.READ_COMMITTED, "READ COMMITTED", IsolationModel.RC)
                .features(Feature.SAVEPOINTS, Feature.SAVEPOINT_RELEASE, Feature.READ_ONLY)
                .build();
    }

    @Override
    public Profile typicalProfile() {
        return profile(new Identity("none", "0", "none", "0", "jdbc:none", Identity.Autocommit.ON), Answers.none());
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        List<Step> begin = new ArrayList<>(List.of(Drive.AUTOCOMMIT_OFF));
        List<Step> commit = new ArrayList<>(List.of(Drive.COMMIT, Drive.AUTOCOMMIT_ON));
        List<Step> abort = new ArrayList<>(List.of(Drive.ROLLBACK, Drive.AUTOCOMMIT_ON));
        if (wish.options().access() == Access.READ_ONLY) {
            begin.add(0, Drive.READ_ONLY_ON);
            commit.add(Drive.READ_ONLY_OFF);
            abort.add(Drive.READ_ONLY_OFF);
        }
        return new TxPlan(
                each(begin), new CommitMessage(each(commit), 0, Proof.LAST, Fence.NONE), each(abort), List.of());
    }

    private static Message each(List<Step> steps) {
        return new Message(Message.Travel.EACH, steps);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return new Savepoints() {
            @Override
            public Message set(String name) {
                return Message.each(Step.sql("SAVEPOINT " + name));
            }

            @Override
            public Message rollbackTo(String name) {
                return Message.each(Step.sql("ROLLBACK TO SAVEPOINT " + name));
            }

            @Override
            public Message release(String name) {
                return Message.each(Step.sql("RELEASE SAVEPOINT " + name));
            }
        };
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        throw new TxUnsupportedException("No row locks in benchmarks");
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return Failure.of(error, FailureKind.OTHER);
    }
}
