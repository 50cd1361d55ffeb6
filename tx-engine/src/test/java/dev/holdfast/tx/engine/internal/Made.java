package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.CommitMessage;
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
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What tests make by hand: a database that is nowhere, and its dialect. */
final class Made {
    static final TxOption<String> OPTION = TxOption.of("made.option", String.class);

    static final Identity IDENTITY =
            new Identity("Made", "1.0", "Made Driver", "1.0", "jdbc:made:up", Identity.Autocommit.ON);

    private Made() {}

    /** By default READ_COMMITTED; SNAPSHOT and REPEATABLE_READ are such that neither is at least the other. */
    static Profile profile(Feature... features) {
        return Profile.of(IDENTITY, "Made")
                .version(1, 0)
                .level(Isolation.READ_COMMITTED, "RC", IsolationModel.RC)
                .level(Isolation.REPEATABLE_READ, "LOCKING", IsolationModel.RR_LOCKING)
                .level(Isolation.SNAPSHOT, "SNAPSHOT", IsolationModel.SI)
                .level(Isolation.SERIALIZABLE, "SERIAL", IsolationModel.SER)
                .defaultIsolation(Isolation.READ_COMMITTED)
                .features(Feature.SAVEPOINTS)
                .features(features)
                .option(OPTION)
                .build();
    }

    static Dialect dialect(String name, Match match) {
        return dialect(name, match, Dialect.SPI_LEVEL);
    }

    static Dialect dialect(String name, Match match, int spiLevel) {
        return new MadeDialect(name, match, spiLevel);
    }

    /** On a database that says nothing of itself, and is asked for nothing else. */
    static Server server() {
        DatabaseMetaData data = proxy(DatabaseMetaData.class, null);
        Connection connection = proxy(Connection.class, data);
        return Server.of(proxy(DataSource.class, connection), dialect("made", Match.EXACT), Wish.Target.PRIMARY);
    }

    private static <T> T proxy(Class<T> type, @Nullable Object answer) {
        Object proxy =
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    if (method.getReturnType().isInstance(answer)) {
                        return answer;
                    }
                    return method.getReturnType() == boolean.class ? Boolean.TRUE : null;
                });
        return type.cast(proxy);
    }

    /** A dialect whose errors have the name of their kind for a message. */
    private record MadeDialect(String name, Match match, int spiLevel) implements Dialect {
        @Override
        public Match accepts(Identity identity) {
            return match;
        }

        @Override
        public Message probe(Identity identity) {
            return Message.nothing();
        }

        @Override
        public Profile profile(Identity identity, Answers answers) {
            return Made.profile();
        }

        @Override
        public Profile typicalProfile() {
            return Made.profile();
        }

        @Override
        public TxPlan plan(Wish wish, Profile profile) {
            Message commit = Message.each(Step.Drive.COMMIT);
            return new TxPlan(
                    Message.each(Step.Drive.AUTOCOMMIT_OFF),
                    new CommitMessage(commit, 0, CommitMessage.Proof.LAST, CommitMessage.Fence.NONE),
                    Message.each(Step.Drive.ROLLBACK),
                    List.of());
        }

        @Override
        public Savepoints savepoints(Profile profile) {
            return Savepoints.unsupported(profile.server());
        }

        @Override
        public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
            return LockPlan.atEnd("FOR " + lock.strength(), List.of());
        }

        @Override
        public Failure classify(SQLException error, Moment moment, Profile profile) {
            return Failure.of(error, FailureKind.valueOf(String.valueOf(error.getMessage())));
        }
    }
}
