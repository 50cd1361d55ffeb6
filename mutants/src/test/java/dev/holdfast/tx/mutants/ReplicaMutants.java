package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.asking;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy.Fallback;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.EngineSetup;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Dialects, engines and setups that read from replicas wrongly. */
final class ReplicaMutants {
    private ReplicaMutants() {}

    static List<Mutant> all() {
        return List.of(
                set(
                        "M170",
                        "replicas are taken and ignored",
                        setup -> with(setup, List.of()),
                        "RPL-01",
                        "rows seen by who may read from a replica: expected 0, but saw 1"),
                dialect(
                        "M171",
                        "a write where only reading is allowed is an error like any other",
                        classifying(
                                FailureKind.READ_ONLY,
                                failure -> Failure.of(failure.error(), FailureKind.OTHER)
                                        .effect(failure.effect())),
                        "RPL-02",
                        "the kind of the error of"),
                engine(
                        "M172",
                        "a scope inside a reader goes where it would go by itself",
                        asking(asked -> asked.inside() && asked.options().access() != Access.READ_WRITE
                                ? asked.options().propagation(Propagation.SEPARATE)
                                : asked.options()),
                        "RPL-03",
                        "rows seen by a scope that joins: expected 0, but saw 1"),
                dialect(
                        "M173",
                        "every replica passes for one that has seen everything",
                        positions(good -> new BrokenPositions(good) {
                            @Override
                            public boolean covers(String reached, String wanted) {
                                return super.covers(reached, reached);
                            }
                        }),
                        "RPL-04",
                        "rows seen, with the replica behind: expected 1, but saw 0"),
                set(
                        "M174",
                        "nobody waits for a replica that is behind",
                        setup -> setup.with(setup.replicaPolicy().catchUpWithin(Duration.ZERO)),
                        "RPL-05",
                        "In vain: the replica is asked again and again"),
                dialect(
                        "M175",
                        "the primary, when it is asked, tells a place of long ago",
                        positions(good -> new BrokenPositions(good) {
                            @Override
                            public Message current() {
                                return Message.each(Step.query("SELECT '00000001/0/1'", POSITION));
                            }
                        }),
                        "RPL-06",
                        "rows seen: expected 1, but saw 0"),
                engine(
                        "M176",
                        "a token is taken and ignored",
                        asking(asked -> hasToken(asked.options(), ".*:.*:.*/.*")
                                ? asked.options().reads(Reads.causal())
                                : asked.options()),
                        "RPL-07",
                        "rows seen with the token: expected 1, but saw 0"),
                engine(
                        "M177",
                        "a token that is none passes for one that asks for nothing",
                        asking(asked -> hasToken(asked.options(), "nonsense")
                                ? asked.options().reads(Reads.causal())
                                : asked.options()),
                        "RPL-08",
                        "nonsense is refused: null"),
                engine(
                        "M178",
                        "sticky reads go anywhere",
                        asking(asked -> asked.options().reads() instanceof Reads.Sticky
                                ? asked.options().reads(Reads.replica())
                                : asked.options()),
                        "RPL-09",
                        "rows seen after it: expected 1, but saw 0"),
                set(
                        "M179",
                        "of several replicas the first is taken, and the others are ignored",
                        setup -> with(
                                setup,
                                setup.replicas()
                                        .subList(0, Math.min(1, setup.replicas().size()))),
                        "RPL-10",
                        "routes: expected [REPLICA, REPLICA, REPLICA, REPLICA], but saw"),
                dialect(
                        "M180",
                        "a connection that was lost is an error like any other",
                        classifying(
                                FailureKind.CONNECTION_LOST,
                                failure -> Failure.of(failure.error(), FailureKind.OTHER)
                                        .effect(FailureEffect.NONE)),
                        "RPL-11",
                        "how often it was tried: expected 1, but saw 2"),
                set(
                        "M181",
                        "nobody asks a replica that has failed whether it answers again",
                        setup -> setup.with(setup.replicaPolicy().probeEvery(Duration.ofDays(1))),
                        "RPL-12",
                        "In vain: it is read from again"),
                set(
                        "M182",
                        "the primary takes what no replica can, whatever the policy says",
                        setup -> setup.with(setup.replicaPolicy().fallback(Fallback.PRIMARY)),
                        "RPL-13",
                        "the refusal says what is wrong with each replica: null"),
                set(
                        "M183",
                        "it is always the same replica that is read",
                        setup -> with(
                                setup,
                                setup.replicas().isEmpty()
                                        ? List.of()
                                        : Collections.nCopies(
                                                setup.replicas().size(),
                                                setup.replicas().get(0))),
                        "RPL-14",
                        "ROUND_ROBIN: connections taken of each: expected [2, 2], but saw [4, 0]"),
                dialect(
                        "M184",
                        "on the primary, who says that he reads may write",
                        good -> new BrokenDialect(good) {
                            @Override
                            public TxPlan plan(Wish wish, Profile profile) {
                                boolean reads = wish.options().access() == Access.READ_ONLY;
                                return super.plan(
                                        reads && wish.target() == Wish.Target.PRIMARY
                                                ? Wish.of(wish.options().readWrite())
                                                : wish,
                                        profile);
                            }
                        },
                        "RPL-15",
                        "the kind of the error: expected READ_ONLY, but saw null"),
                engine(
                        "M185",
                        "whatever was read passes for a commit",
                        ReplicaMutants::committing,
                        "RPL-16",
                        "In vain: a read goes to the replica"),
                dialect(
                        "M186",
                        "a connection that was lost by a statement is an error like any other",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Failure classify(SQLException error, Moment moment, Profile profile) {
                                Failure failure = super.classify(error, moment, profile);
                                return moment.phase() == Moment.Phase.STATEMENT
                                                && failure.kind() == FailureKind.CONNECTION_LOST
                                        ? Failure.of(error, FailureKind.OTHER).effect(FailureEffect.NONE)
                                        : failure;
                            }
                        },
                        "RPL-17",
                        "no answer, as planned"),
                dialect(
                        "M187",
                        "replicas are declared, and nothing says how they are read from",
                        replication(good -> null),
                        "DCL-U-REPLICAS",
                        "whether the dialect says how replicas are read from: expected true, but saw false"),
                dialect(
                        "M188",
                        "causal reads are declared, and nothing says what a position is",
                        replication(good -> new Replication(good.question(), null)),
                        "DCL-U-CAUSAL_READS",
                        "does not tell the positions of commits"));
    }

    private static Mutant dialect(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(
                id, what, "PostgreSQL", () -> Databases.postgresWithStandby().withDialect(change), killer, says);
    }

    private static Mutant engine(String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(
                id, what, "PostgreSQL", () -> Databases.postgresWithStandby().withEngine(change), killer, says);
    }

    private static Mutant set(String id, String what, UnaryOperator<EngineSetup> change, String killer, String says) {
        return new Mutant(
                id, what, "PostgreSQL", () -> Databases.postgresWithStandby().withSetup(change), killer, says);
    }

    private static EngineSetup with(EngineSetup setup, List<DataSource> replicas) {
        EngineSetup changed = new EngineSetup(
                setup.dataSource(),
                setup.options(),
                setup.ambient(),
                setup.listeners(),
                setup.settleWithin(),
                setup.endWithin(),
                List.of(),
                setup.replicaPolicy());
        for (DataSource replica : replicas) {
            changed = changed.replica(replica);
        }
        return changed;
    }

    private static boolean hasToken(TxOptions options, String like) {
        return options.reads() instanceof Reads.Causal causal
                && causal.token() != null
                && causal.token().value().matches(like);
    }

    /** After each transaction something is done that may have committed. */
    private static Transactor committing(Transactor good) {
        return new BrokenTransactor(good, ReplicaMutants::committing) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                T result = super.transact(options, body);
                good.<Boolean>withConnection(connection -> {
                    try (Statement statement = connection.createStatement()) {
                        return statement.execute("select 1");
                    }
                });
                return result;
            }
        };
    }

    private static UnaryOperator<Dialect> classifying(FailureKind kind, UnaryOperator<Failure> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Failure classify(SQLException error, Moment moment, Profile profile) {
                Failure failure = super.classify(error, moment, profile);
                return failure.kind() == kind ? change.apply(failure) : failure;
            }
        };
    }

    private static UnaryOperator<Dialect> replication(Function<Replication, @Nullable Replication> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Optional<Replication> replication(Profile profile) {
                return super.replication(profile).flatMap(known -> Optional.ofNullable(change.apply(known)));
            }
        };
    }

    private static UnaryOperator<Dialect> positions(UnaryOperator<Positions> change) {
        return replication(known ->
                new Replication(known.question(), known.positions() == null ? null : change.apply(known.positions())));
    }

    /** Good positions, to be broken in one place by a subclass. */
    private static class BrokenPositions implements Positions {
        private final Positions good;

        BrokenPositions(Positions good) {
            this.good = good;
        }

        @Override
        public Message current() {
            return good.current();
        }

        @Override
        public Message system() {
            return good.system();
        }

        @Override
        public boolean travelsWithCommit() {
            return good.travelsWithCommit();
        }

        @Override
        public boolean covers(String reached, String wanted) {
            return good.covers(reached, wanted);
        }

        @Override
        public String union(String one, String other) {
            return good.union(one, other);
        }
    }
}
