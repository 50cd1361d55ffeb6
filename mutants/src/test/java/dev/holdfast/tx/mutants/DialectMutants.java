package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Step.Drive;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Dialects with one thing wrong each. */
final class DialectMutants {
    private DialectMutants() {}

    static List<Mutant> all() {
        return java.util.stream.Stream.of(options(), ends(), savepoints(), locks(), failures(), declarations())
                .flatMap(List::stream)
                .toList();
    }

    private static Mutant postgres(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "PostgreSQL", () -> Databases.postgres().withDialect(change), killer, says);
    }

    private static Mutant sqlite(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withDialect(change), killer, says);
    }

    private static UnaryOperator<Dialect> planning(UnaryOperator<TxPlan> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                return change.apply(super.plan(wish, profile));
            }
        };
    }

    private static UnaryOperator<Dialect> wishing(UnaryOperator<TxOptions> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                return super.plan(Wish.of(change.apply(wish.options())).to(wish.target()), profile);
            }
        };
    }

    private static UnaryOperator<Dialect> savepointing(UnaryOperator<Savepoints> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Savepoints savepoints(Profile profile) {
                return change.apply(super.savepoints(profile));
            }
        };
    }

    private static UnaryOperator<Dialect> locking(BinaryOperator<String> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
                LockPlan plan = super.lock(lock, inForce, profile);
                String tail = change.apply(plan.tail(), lock.waiting().name());
                return new LockPlan(plan.tableHint(), tail, plan.before(), plan.after(), plan.notes());
            }
        };
    }

    /** Errors other than those of a connection that is gone are classified like this. */
    private static UnaryOperator<Dialect> classifying(UnaryOperator<Failure> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Failure classify(SQLException error, Moment moment, Profile profile) {
                return change.apply(super.classify(error, moment, profile));
            }
        };
    }

    private static UnaryOperator<Failure> when(FailureKind kind, UnaryOperator<Failure> change) {
        return failure -> failure.kind() == kind ? change.apply(failure) : failure;
    }

    private static Failure as(FailureKind kind, Failure failure) {
        return Failure.of(failure.error(), kind).effect(failure.effect()).atCommit(failure.atCommit());
    }

    private static @Nullable Isolation lower(@Nullable Isolation asked, Isolation from, Isolation to) {
        return asked == from ? to : asked;
    }

    private static UnaryOperator<TxOptions> giving(Isolation from, Isolation to) {
        return options -> {
            Isolation given = lower(options.isolation(), from, to);
            return given == null ? options : options.isolation(given);
        };
    }

    private static List<Mutant> options() {
        return List.of(
                postgres(
                        "M01",
                        "SERIALIZABLE is given as the level below",
                        wishing(giving(Isolation.SERIALIZABLE, Isolation.REPEATABLE_READ)),
                        "ISO-19",
                        "forbidden"),
                postgres(
                        "M02",
                        "REPEATABLE_READ is given as READ COMMITTED",
                        wishing(giving(Isolation.REPEATABLE_READ, Isolation.READ_COMMITTED)),
                        "ISO-12",
                        "forbidden"),
                postgres(
                        "M03",
                        "the isolation level is taken and ignored",
                        planning(plan -> Plans.beginWithout(plan, Plans.saying("ISOLATION LEVEL"))),
                        "OPT-01",
                        "REPEATABLE_READ should be REPEATABLE READ on the server, but"),
                postgres(
                        "M04",
                        "the level is set for the whole session and never put back",
                        planning(plan -> plan.begin().statements().stream()
                                .filter(text -> text.startsWith("SET TRANSACTION ISOLATION"))
                                .findFirst()
                                .map(text -> Plans.beginAnd(
                                        plan,
                                        Step.sql(text.replace(
                                                "SET TRANSACTION", "SET SESSION CHARACTERISTICS AS TRANSACTION"))))
                                .orElse(plan)),
                        "OPT-02",
                        "other than before in the transaction after one that committed:"),
                postgres(
                        "M05",
                        "the level is set after the first statement",
                        planning(plan -> Plans.withBegin(
                                plan,
                                Plans.rewritten(
                                        plan.begin(),
                                        text -> text.startsWith("SET TRANSACTION") ? "SELECT 1;" + text : text))),
                        "OPT-03",
                        "PSQLException 25001/0: ERROR: SET TRANSACTION ISOLATION LEVEL"),
                postgres(
                        "M16",
                        "a lock timeout in milliseconds is sent as seconds",
                        planning(plan -> Plans.beginRewritten(
                                plan, text -> text.replaceFirst("(lock_timeout\\D*\\d+)(ms)?", "$1000$2"))),
                        "LCK-06",
                        "still waits after"),
                postgres(
                        "M17",
                        "a lock timeout is left in the session",
                        planning(plan -> Plans.beginRewritten(
                                plan, text -> text.replace("SET LOCAL lock_timeout", "SET lock_timeout"))),
                        "OPT-08",
                        "SHOW lock_timeout: 0 became"),
                postgres(
                        "M23",
                        "READ_ONLY is taken and ignored",
                        planning(plan -> Plans.beginRewritten(
                                Plans.beginWithout(
                                        plan,
                                        step -> step == Drive.READ_ONLY_ON
                                                || step instanceof Step.Native
                                                || Plans.saying("READ ONLY").test(step)),
                                text -> text)),
                        "RO-01a",
                        "the kind of the error of: insert into"),
                postgres(
                        "M24",
                        "READ_ONLY is left in the session",
                        planning(plan -> plan.toString().contains("READ ONLY")
                                        || plan.begin().steps().contains(Drive.READ_ONLY_ON)
                                ? Plans.beginAnd(plan, Step.sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
                                : plan),
                        "RO-02",
                        "PSQLException 25006/0: ERROR: cannot execute INSERT in a"));
    }

    private static List<Mutant> ends() {
        return List.of(
                postgres(
                        "M90",
                        "each statement commits by itself",
                        planning(plan -> new TxPlan(
                                Message.nothing(),
                                new CommitMessage(Message.each(Step.sql("SELECT 1")), 0, Proof.LAST, Fence.NONE),
                                Message.nothing(),
                                plan.notes())),
                        "ISO-02",
                        "which was rolled back"),
                new Mutant(
                        "M06",
                        "a COMMIT that was answered by ROLLBACK passes for a commit",
                        "PostgreSQL",
                        () -> Databases.postgres(driver -> driver.with("raiseExceptionOnSilentRollback", "false"))
                                .withDialect(good -> new BrokenDialect(good) {
                                    @Override
                                    public TxPlan plan(Wish wish, Profile profile) {
                                        TxPlan plan = super.plan(wish, profile);
                                        CommitMessage commit = plan.commit();
                                        List<Step> steps = commit.message().steps();
                                        Message bare = new Message(
                                                Travel.EACH, steps.subList(commit.commitStep(), steps.size()));
                                        return new TxPlan(
                                                plan.begin(),
                                                new CommitMessage(bare, 0, commit.proof(), Fence.NONE),
                                                plan.abort(),
                                                plan.notes());
                                    }

                                    @Override
                                    public Failure classify(SQLException error, Moment moment, Profile profile) {
                                        return super.classify(error, moment, profile)
                                                .effect(FailureEffect.NONE);
                                    }

                                    @Override
                                    public DriverPort port() {
                                        return DriverPort.NONE;
                                    }
                                }),
                        "LIF-06",
                        "rows after a commit that was reported as done"),
                postgres(
                        "M08",
                        "a commit that was refused passes for a commit",
                        classifying(failure -> failure.atCommit(CommitFate.COMMITTED)),
                        "LIF-08",
                        "expected a TxRolledBackException, but saw null"),
                new Mutant(
                        "M07",
                        "a lock timeout that rolled back the whole transaction passes for one of its statement",
                        "Derby",
                        () -> Databases.derby()
                                .withDialect(classifying(
                                        when(FailureKind.LOCK_TIMEOUT, failure -> failure.effect(FailureEffect.NONE)))),
                        "LIF-07",
                        "reported as committed"),
                new Mutant(
                        "M27",
                        "DDL that commits is declared to be transactional",
                        "H2",
                        () -> Databases.h2().withDialect(good -> new BrokenDialect(good) {
                            @Override
                            public Profile profile(Identity identity, Answers answers) {
                                return Profiles.copy(super.profile(identity, answers))
                                        .features(Feature.TRANSACTIONAL_DDL)
                                        .build();
                            }
                        }),
                        "CON-11",
                        "whether the table is there after the rollback: expected false"),
                sqlite(
                        "M29",
                        "a connection is given back in its transaction after an error",
                        planning(plan -> Plans.withAbort(plan, Message.nothing())),
                        "HYG-03",
                        "after 'failed' others are kept from writing:"));
    }

    private static List<Mutant> savepoints() {
        return List.of(
                sqlite(
                        "M09",
                        "to roll back to a savepoint does nothing",
                        savepointing(good -> new BrokenSavepoints(good) {
                            @Override
                            public Message rollbackTo(String name) {
                                return Message.nothing();
                            }
                        }),
                        "SVP-01",
                        "values after the undoing: expected [5], but saw [6, 0]"),
                sqlite(
                        "M10",
                        "the whole transaction is rolled back instead of what came after the savepoint",
                        savepointing(good -> new BrokenSavepoints(good) {
                            @Override
                            public Message rollbackTo(String name) {
                                return Message.each(Step.sql("ROLLBACK"), Step.sql("BEGIN"));
                            }
                        }),
                        "NST-05",
                        "committed rows: expected [1, 3], but saw [3]"),
                new Mutant(
                        "M11",
                        "all savepoints have one name",
                        "Derby",
                        () -> Databases.derby().withDialect(savepointing(good -> new BrokenSavepoints(good) {
                            @Override
                            public Message set(String name) {
                                return super.set("same");
                            }

                            @Override
                            public Message rollbackTo(String name) {
                                return super.rollbackTo("same");
                            }

                            @Override
                            public Message release(String name) {
                                return super.release("same");
                            }
                        })),
                        "SVP-06",
                        "SQLException 25000/0: The statement was not sent: an earlier"),
                postgres(
                        "M12",
                        "savepoints are never released",
                        savepointing(good -> new BrokenSavepoints(good) {
                            @Override
                            public Message release(String name) {
                                return Message.nothing();
                            }
                        }),
                        "SVP-10",
                        "whether the last one was released: expected true, but saw false"));
    }

    private static List<Mutant> locks() {
        return List.of(
                postgres(
                        "M13",
                        "the lock's text is left out",
                        locking((tail, waiting) -> ""),
                        "LCK-01",
                        "was done while S1 held the lock"),
                postgres(
                        "M14",
                        "NOWAIT waits",
                        locking((tail, waiting) -> tail.replace(" NOWAIT", "")),
                        "LCK-04",
                        "NOWAIT never waits for a row lock"),
                postgres(
                        "M15",
                        "SKIP LOCKED is sent as NOWAIT",
                        locking((tail, waiting) -> tail.replace("SKIP LOCKED", "NOWAIT")),
                        "LCK-05a",
                        "a lock that skips waits for nobody"),
                postgres(
                        "M150",
                        "a lock names its tables behind the way of waiting",
                        locking((tail, waiting) -> tail.replaceFirst("( OF [a-z, ]+)( NOWAIT| SKIP LOCKED)", "$2$1")),
                        "LCK-30",
                        "PSQLException 42601/0: ERROR: syntax error at"),
                sqlite(
                        "M25",
                        "SKIP LOCKED is not declared, but sent",
                        good -> new BrokenDialect(good) {
                            @Override
                            public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
                                return lock.waiting() == RowLock.Waiting.SKIP_LOCKED
                                        ? LockPlan.atEnd("FOR UPDATE SKIP LOCKED", List.of())
                                        : super.lock(lock, inForce, profile);
                            }
                        },
                        "LCK-05a",
                        "TxUnsupportedException"));
    }

    private static List<Mutant> failures() {
        return List.of(
                postgres(
                        "M18",
                        "a deadlock is an error like any other",
                        classifying(when(FailureKind.DEADLOCK, failure -> as(FailureKind.OTHER, failure))),
                        "LCK-08",
                        "the kind of the failure:"),
                postgres(
                        "M19",
                        "a duplicate key is known by the words of the error",
                        classifying(when(
                                FailureKind.UNIQUE,
                                failure -> String.valueOf(failure.error().getMessage())
                                                .contains("duplicate key")
                                        ? failure
                                        : as(FailureKind.OTHER, failure))),
                        "ERR-15",
                        "DUPLICATE in other words, at ACQUIRE, driver says IDLE,"),
                sqlite(
                        "M20",
                        "a unique violation passes for a conflict that may be tried again",
                        classifying(when(FailureKind.UNIQUE, failure -> as(FailureKind.SERIALIZATION, failure))),
                        "TRP-07a",
                        "runs of the body: expected 1, but saw 3"),
                postgres(
                        "M21",
                        "a connection lost at commit passes for a rollback",
                        classifying(
                                when(FailureKind.CONNECTION_LOST, failure -> failure.atCommit(CommitFate.ROLLED_BACK))),
                        "FLT-01.W",
                        "the answer to COMMIT was lost, and the caller is told"),
                postgres(
                        "M22",
                        "a connection lost before commit is an error like any other",
                        classifying(when(
                                FailureKind.CONNECTION_LOST,
                                failure -> as(FailureKind.OTHER, failure).effect(FailureEffect.NONE))),
                        "ERR-07",
                        "expected an effect of LOST and a transient kind, but saw NONE"));
    }

    private static List<Mutant> declarations() {
        return List.of(
                sqlite(
                        "M26",
                        "READ_ONLY is not declared, and silently does nothing",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Profile profile(Identity identity, Answers answers) {
                                return Profiles.copy(super.profile(identity, answers))
                                        .without(Feature.READ_ONLY)
                                        .build();
                            }

                            @Override
                            public TxPlan plan(Wish wish, Profile profile) {
                                TxOptions asked = wish.options();
                                return super.plan(
                                        asked.access() == Access.READ_ONLY ? Wish.of(asked.readOnlyHint()) : wish,
                                        profile);
                            }
                        },
                        "RO-01a",
                        "expected a TxUnsupportedException"),
                postgres(
                        "M30",
                        "the first database's profile is kept for all others",
                        good -> new BrokenDialect(good) {
                            private @Nullable Profile first;

                            @Override
                            public synchronized Profile profile(Identity identity, Answers answers) {
                                if (first == null) {
                                    first = super.profile(identity, answers);
                                }
                                return first;
                            }
                        },
                        "DCL-05",
                        "does not hold: the databases are told apart"));
    }
}
