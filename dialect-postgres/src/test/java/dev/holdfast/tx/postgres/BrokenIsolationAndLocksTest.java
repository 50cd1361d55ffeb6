package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A dialect that is wrong in one place fails in the case that is there for it, which says what it saw. */
class BrokenIsolationAndLocksTest {
    static Stream<Arguments> broken() {
        return Stream.of(
                Arguments.of(
                        "READ COMMITTED is said to be snapshot isolation",
                        claims(Isolation.READ_COMMITTED, IsolationModel.SI),
                        "ISO-08",
                        Isolation.READ_COMMITTED,
                        "forbidden at SI: both committed after both had read 10"),
                Arguments.of(
                        "REPEATABLE READ is said to be serializable",
                        claims(Isolation.REPEATABLE_READ, IsolationModel.SER),
                        "ISO-19",
                        Isolation.REPEATABLE_READ,
                        "forbidden at SER: both committed, and neither read what the other wrote"),
                Arguments.of(
                        "REPEATABLE READ is said to be serializable",
                        claims(Isolation.REPEATABLE_READ, IsolationModel.SER),
                        "ISO-21",
                        Isolation.REPEATABLE_READ,
                        "forbidden at SER: all committed"),
                Arguments.of(
                        "a victim is not told as one",
                        told(FailureKind.SERIALIZATION, failure -> failure, FailureKind.OTHER),
                        "ISO-08",
                        Isolation.SERIALIZABLE,
                        "tells nobody to run the transaction again"),
                Arguments.of(
                        "rows are not locked at all",
                        lock(plan -> LockPlan.atEnd("", plan.notes())),
                        "LCK-01",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "rows are not locked at all",
                        lock(plan -> LockPlan.atEnd("", plan.notes())),
                        "ISO-10",
                        Isolation.READ_COMMITTED,
                        "both committed, and A is not 13"),
                Arguments.of(
                        "NOWAIT is left out",
                        replaced(" NOWAIT", ""),
                        "LCK-04",
                        null,
                        "NOWAIT never waits for a row lock, but"),
                Arguments.of(
                        "SKIP LOCKED fails instead",
                        replaced("SKIP LOCKED", "NOWAIT"),
                        "LCK-05a",
                        null,
                        "a lock that skips waits for nobody, but"),
                Arguments.of(
                        "SKIP LOCKED waits instead",
                        replaced(" SKIP LOCKED", ""),
                        "LCK-05a",
                        null,
                        "a lock that skips waits for nobody, but"),
                Arguments.of(
                        "SKIP LOCKED locks nothing",
                        replaced("FOR UPDATE SKIP LOCKED", ""),
                        "LCK-05b",
                        null,
                        "rows that both have taken"),
                Arguments.of("a lock timeout is much too short", hasty(), "LCK-06", null, "at a limit of"),
                Arguments.of(
                        "a lock timeout is said to undo its statement only",
                        told(
                                FailureKind.LOCK_TIMEOUT,
                                failure -> failure.effect(FailureEffect.NONE),
                                FailureKind.LOCK_TIMEOUT),
                        "LCK-07a",
                        null,
                        "the effect is NONE, and on the server what was done before is REFUSED"),
                Arguments.of(
                        "a lock timeout is said to end its transaction",
                        told(
                                FailureKind.LOCK_TIMEOUT,
                                failure -> failure.effect(FailureEffect.ENDED),
                                FailureKind.LOCK_TIMEOUT),
                        "LCK-07a",
                        null,
                        "the effect is ENDED, and on the server what was done before is REFUSED"),
                Arguments.of(
                        "a deadlock is not told as one",
                        told(FailureKind.DEADLOCK, failure -> failure, FailureKind.OTHER),
                        "LCK-08",
                        null,
                        "expected DEADLOCK, but saw OTHER"),
                Arguments.of(
                        "SHARE is given as something weaker",
                        replaced("FOR SHARE", "FOR KEY SHARE"),
                        "LCK-10",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "a lock in a read-only transaction is dropped",
                        lockIf(Access.READ_ONLY),
                        "LCK-14",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "the limit of one lock is dropped",
                        lock(plan -> LockPlan.atEnd(plan.tail(), plan.notes())),
                        "LCK-15",
                        null,
                        "still waits after"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-16",
                        null,
                        "only rows of the named table are locked, but"),
                Arguments.of(
                        "a stronger lock is given without a word",
                        replaced("FOR NO KEY UPDATE", "FOR UPDATE"),
                        "LCK-17",
                        null,
                        "NO_KEY_UPDATE, of which nothing is noted, leaves room for this, but"),
                Arguments.of(
                        "a stronger lock is noted without its name",
                        lock(plan -> LockPlan.atEnd(plan.tail(), List.of("something stronger"))),
                        "LCK-19",
                        null,
                        "a note names UPDATE"),
                Arguments.of(
                        "KEY SHARE is given as something stronger",
                        replaced("FOR KEY SHARE", "FOR SHARE"),
                        "LCK-20",
                        null,
                        "whether KEY_SHARE is given beside NO_KEY_UPDATE, with no note on either: expected true"),
                Arguments.of(
                        "SHARE is given as something weaker",
                        replaced("FOR SHARE", "FOR KEY SHARE"),
                        "LCK-21",
                        null,
                        "whether SHARE is given beside NO_KEY_UPDATE: expected false"),
                Arguments.of(
                        "KEY SHARE locks nothing",
                        lock(plan -> plan.tail().equals("FOR KEY SHARE") ? LockPlan.atEnd("", plan.notes()) : plan),
                        "LCK-22",
                        null,
                        "was done while S1 held the lock: expected false"),
                Arguments.of(
                        "SHARE is given as something weaker",
                        replaced("FOR SHARE", "FOR KEY SHARE"),
                        "LCK-23",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "UPDATE is given as something weaker",
                        replaced("FOR UPDATE", "FOR NO KEY UPDATE"),
                        "LCK-24",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-16b",
                        null,
                        "only rows of the named table are locked, but"),
                Arguments.of(
                        "one table of two is locked",
                        replaced("FOR UPDATE", "FOR UPDATE OF a"),
                        "LCK-25",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-26a",
                        null,
                        "it does not fail for rows of the other table, but"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-26b",
                        null,
                        "the rows, of which the other table's are locked: expected [1, 2], but saw [2]"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-26c",
                        null,
                        "it does not wait for rows of the other table, but"),
                Arguments.of(
                        "the tables to lock are dropped",
                        replaced(" OF a", ""),
                        "LCK-27",
                        null,
                        "only rows of the named side are locked, but"),
                Arguments.of(
                        "rows are not locked at all",
                        lock(plan -> LockPlan.atEnd("", plan.notes())),
                        "LCK-28a",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "rows are not locked at all",
                        lock(plan -> LockPlan.atEnd("", plan.notes())),
                        "LCK-28b",
                        null,
                        "was done while S1 held the lock"),
                Arguments.of(
                        "NOWAIT is left out",
                        replaced(" NOWAIT", ""),
                        "LCK-28c",
                        null,
                        "NOWAIT never waits for a row lock, but"),
                Arguments.of(
                        "SKIP LOCKED waits instead",
                        replaced(" SKIP LOCKED", ""),
                        "LCK-28d",
                        null,
                        "a lock that skips waits for nobody, but"),
                Arguments.of(
                        "a lock timeout is an error like any other",
                        told(FailureKind.LOCK_TIMEOUT, failure -> failure, FailureKind.OTHER),
                        "LCK-28e",
                        null,
                        "expected LOCK_TIMEOUT, but saw OTHER"),
                Arguments.of(
                        "tables are named behind the way of waiting",
                        lock(plan -> LockPlan.atEnd(
                                plan.tail().replaceFirst("( OF [a-z, ]+)( NOWAIT| SKIP LOCKED)", "$2$1"),
                                plan.notes())),
                        "LCK-30",
                        null,
                        "PSQLException 42601"));
    }

    @ParameterizedTest(name = "{0}: {2} {3}")
    @MethodSource("broken")
    void isFoundOut(String what, Dialect dialect, String id, @Nullable Isolation level, String words)
            throws SQLException {
        Suite suite = Suite.of(new Altered(dialect), Conformance.cases());
        ConformanceCase one = suite.cases().stream()
                .filter(any -> any.id().equals(id) && any.needs().level() == level)
                .findFirst()
                .orElseThrow();

        CaseResult result = suite.run(one);

        assertThat(result.verdict()).as(what + ": " + result.detail()).isEqualTo(Verdict.FAIL);
        assertThat(result.detail()).contains(words).contains("S1").contains("check: ");
    }

    // ---- what is wrong

    private static Dialect claims(Isolation level, IsolationModel model) {
        return new AlteredPostgres() {
            @Override
            public Profile profile(Identity identity, Answers answers) {
                return claiming(super.profile(identity, answers), level, model);
            }
        };
    }

    private static Dialect lock(UnaryOperator<LockPlan> change) {
        return new AlteredPostgres() {
            @Override
            public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
                return change.apply(super.lock(lock, inForce, profile));
            }
        };
    }

    private static Dialect replaced(String text, String by) {
        return lock(plan -> LockPlan.atEnd(plan.tail().replace(text, by), plan.notes()));
    }

    private static Dialect lockIf(Access dropped) {
        return new AlteredPostgres() {
            @Override
            public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
                return inForce.options().access() == dropped
                        ? LockPlan.atEnd("", List.of())
                        : super.lock(lock, inForce, profile);
            }
        };
    }

    private static Dialect told(FailureKind kind, UnaryOperator<Failure> change, FailureKind as) {
        return new AlteredPostgres() {
            @Override
            public Failure classify(SQLException error, Moment moment, Profile profile) {
                Failure failure = super.classify(error, moment, profile);
                return failure.kind() == kind
                        ? change.apply(
                                Failure.of(error, as).effect(failure.effect()).atCommit(failure.atCommit()))
                        : failure;
            }
        };
    }

    private static Dialect hasty() {
        return new AlteredPostgres() {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                Duration limit = wish.options().lockTimeout();
                return super.plan(
                        limit == null ? wish : Wish.of(wish.options().lockTimeout(limit.dividedBy(100))), profile);
            }
        };
    }

    /** The server of all tests, with another dialect. */
    private static final class Altered implements DatabaseUnderTest {
        private final PostgresUnderTest real = new PostgresUnderTest(18);
        private final Dialect dialect;

        Altered(Dialect dialect) {
            this.dialect = dialect;
        }

        @Override
        public String name() {
            return real.name();
        }

        @Override
        public Dialect dialect() {
            return dialect;
        }

        @Override
        public DataSource sessions() {
            return real.sessions();
        }

        @Override
        public DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit) {
            return real.pool(sessions, size, autocommit);
        }

        @Override
        public Transactor transactor(EngineSetup setup) {
            Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                    .replicaPolicy(setup.replicaPolicy())
                    .dialect(dialect)
                    .options(setup.options())
                    .ambient(setup.ambient());
            setup.listeners().forEach(builder::listener);
            setup.replicas().forEach(builder::replica);
            return builder.build();
        }
    }
}
