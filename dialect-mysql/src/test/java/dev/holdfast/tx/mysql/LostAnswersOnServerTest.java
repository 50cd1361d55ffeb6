package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.LostAnswers;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Messages whose rest the server drops, because a {@code KILL QUERY} comes between two of their statements. So that it comes there,
 * they have many more than those of a plan, and it is sent again and again.
 */
class LostAnswersOnServerTest extends RealServerTest {
    private static final Duration SHORT = Duration.ofMillis(200);
    private static final Duration WITHIN = Duration.ofSeconds(5);
    private static final Step NOTHING = Step.sql("SET @hf_nothing = 1");
    private static final int MANY = 2_000;
    private static final int MOST_TRIES = 300;

    /** A kill that comes inside one of these leaves it as it is. */
    private static final List<Step> KILLABLE = Collections.nCopies(MANY, NOTHING);

    private static final TxOptions OPTIONS = TxOptions.of(Isolation.READ_COMMITTED);

    /** Which message has more statements than it was planned with. */
    private enum Place {
        BEGIN,
        COMMIT,
        ABORT
    }

    private final AtomicInteger over = new AtomicInteger();
    /** Whether kills may come now. */
    private volatile boolean killable = true;

    /** Whether each look says that nothing will be answered. */
    private volatile boolean wrong;

    private final CountDownLatch looks = new CountDownLatch(3);
    private @Nullable HikariDataSource pool;
    private @Nullable Transactor db;
    private String session = "";

    @BeforeEach
    void openPool() {
        openPool(on.url(server(), database()));
    }

    private void openPool(String url) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(
                DriverSessions.of(url, server().user(), server().password()).with("allowMultiQueries", "true"));
        config.setMaximumPoolSize(1);
        config.setMinimumIdle(0);
        pool = new HikariDataSource(config);
    }

    @AfterEach
    void closePool() {
        if (db != null) {
            db.close();
        }
        if (pool != null) {
            pool.close();
        }
    }

    /** The dialect, but for the statements that it puts into a message, and for its patience. */
    private Transactor db(Place place, List<Step> more) {
        Dialect altered = (Dialect) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Dialect.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("plan")) {
                        return with(more, place, DIALECT.plan((Wish) arguments[0], (Profile) arguments[1]));
                    }
                    if (method.getName().equals("lostAnswers")) {
                        return DIALECT.lostAnswers((Profile) arguments[0])
                                .map(lost -> new LostAnswers(
                                        SHORT,
                                        connection -> counted(lost.sessions().of(connection))));
                    }
                    try {
                        return method.invoke(DIALECT, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        Transactor made =
                Holdfast.builder(Objects.requireNonNull(pool)).dialect(altered).build();
        db = made;
        return made;
    }

    private LostAnswers.Session counted(LostAnswers.@Nullable Session session) {
        LostAnswers.Session known = Objects.requireNonNull(session);
        return new LostAnswers.Session() {
            @Override
            public boolean isOver(Duration sent, Duration within) throws SQLException {
                looks.countDown();
                boolean isOver = known.isOver(sent, within) || wrong;
                if (isOver) {
                    over.incrementAndGet();
                }
                return isOver;
            }

            @Override
            public void end(Duration within) throws SQLException {
                known.end(within);
            }
        };
    }

    private static TxPlan with(List<Step> more, Place place, TxPlan plan) {
        CommitMessage commit = plan.commit();
        return switch (place) {
            case BEGIN -> new TxPlan(with(more, plan.begin()), commit, plan.abort(), plan.notes());
            case COMMIT ->
                new TxPlan(
                        plan.begin(),
                        new CommitMessage(
                                with(more, commit.message()),
                                commit.commitStep() + more.size(),
                                commit.proof(),
                                commit.fence()),
                        plan.abort(),
                        plan.notes());
            case ABORT -> new TxPlan(plan.begin(), commit, with(more, plan.abort()), plan.notes());
        };
    }

    private static Message with(List<Step> more, Message message) {
        List<Step> steps = new ArrayList<>(more);
        steps.addAll(message.steps());
        return new Message(Message.Travel.ONE_STRING, steps);
    }

    /** What a call is told whose session gets {@code KILL QUERY} until it is over; null if nothing. */
    private @Nullable Throwable killed(Callable<?> call) throws Exception {
        CompletableFuture<@Nullable Throwable> told = meanwhile(() -> catchThrowable(call::call));
        RawSession killer = open();
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Void> killing = meanwhile(() -> {
            while (!enough.get() && !told.isDone() && over.get() == 0) {
                if (!killable) {
                    Thread.onSpinWait();
                    continue;
                }
                try {
                    killer.run("KILL QUERY " + session);
                } catch (SQLException goneAlready) { // as where the rollback was killed, too
                    assertThat(goneAlready.getErrorCode()).isEqualTo(NO_SUCH_SESSION);
                    break;
                }
            }
            return null;
        });
        try {
            return finished(told);
        } finally {
            enough.set(true);
            finished(killing);
            killer.close();
        }
    }

    /** Does this until an answer is lost. */
    private @Nullable Throwable toldWhenLost(Transactor at, Callable<?> call) throws Exception {
        for (int i = 0; i < MOST_TRIES; i++) {
            session = at.transact(
                    OPTIONS,
                    tx -> String.valueOf(Sql.ints(tx, "SELECT CONNECTION_ID()").get(0)));
            over.set(0);
            Throwable told = killed(call);
            if (over.get() > 1) {
                return told;
            }
            settled(at);
        }
        assumeFalse(on.isMariadb(), "MariaDB loses few answers, 11.4 fewer than 10.11, and none was lost");
        throw new AssertionError("No answer was lost in " + MOST_TRIES + " messages");
    }

    /** As {@link #toldWhenLost}, of a transaction that is killed when its body is over: or the answer to BEGIN may be lost instead. */
    private @Nullable Throwable toldAtTheEnd(Transactor at, TxOptions options, Callable<Object> end) throws Exception {
        killable = false;
        return toldWhenLost(at, () -> {
            try {
                return at.transact(options, tx -> {
                    Sql.update(tx, "INSERT INTO item VALUES (50, 0)");
                    killable = true;
                    return end.call();
                });
            } finally {
                killable = false;
            }
        });
    }

    /** Takes the last kill, which may have come when nothing ran. */
    private void settled(Transactor at) {
        for (int i = 0; i < 10; i++) {
            if (catchThrowable(() -> at.execute(tx -> Sql.update(tx, "DELETE FROM item WHERE id >= 50"))) == null) {
                return;
            }
        }
        throw new AssertionError("The database does not recover from a kill");
    }

    private static void assertIsLost(@Nullable Failure failure) {
        assertThat(failure).isNotNull();
        assertThat(failure.kind()).isEqualTo(FailureKind.CONNECTION_LOST);
    }

    private static Object insert(Transactor at, TxOptions options) {
        return at.transact(options, tx -> Sql.update(tx, "INSERT INTO item VALUES (50, 0)"));
    }

    /** The server has ended it, nothing of it is there, and the pool of one lends another. */
    private void assertIsOver(Transactor at) throws SQLException {
        awaitGone(session);
        assertThat(count("id = 50")).isZero();
        assertThat(insert(at, TxOptions.none())).isEqualTo(1);
        assertThat(count("id = 50")).isOne();
    }

    @Test
    void aCommitWhoseAnswerIsLostIsUnknown_andItsSessionIsGone() throws Exception {
        Transactor at = db(Place.COMMIT, KILLABLE);
        Throwable told = toldAtTheEnd(at, OPTIONS, () -> 1);

        assertThat(told).isInstanceOf(TxOutcomeUnknownException.class);
        assertIsLost(((TxException) told).failure());
        assertIsOver(at);
    }

    @Test
    void aVerifiableCommitWhoseAnswerIsLostIsSettled() throws Exception {
        try (RawSession owner = open()) {
            owner.run(
                    "DROP TABLE IF EXISTS holdfast_marker",
                    Holdfast.markerTable(DIALECT).orElseThrow());
        }
        Transactor at = db(Place.COMMIT, KILLABLE);
        Throwable told = toldAtTheEnd(at, OPTIONS.verifiable(), () -> 1);

        assertThat(told).isInstanceOf(TxRolledBackException.class);
        assertIsLost(((TxException) told).failure());
        assertIsOver(at);
    }

    @Test
    void aBeginWhoseAnswerIsLostIsALostConnection() throws Exception {
        Transactor at = db(Place.BEGIN, KILLABLE);
        Throwable told = toldWhenLost(at, () -> insert(at, OPTIONS));

        assertIsLost(at.classify(Objects.requireNonNull(told)));
        assertIsOver(at);
    }

    @Test
    void aRollbackWhoseAnswerIsLostIsDoneByTheEndOfItsSession() throws Exception {
        Transactor at = db(Place.ABORT, KILLABLE);
        IllegalStateException why = new IllegalStateException("the body says no");
        Throwable told = toldAtTheEnd(at, OPTIONS, () -> {
            throw why;
        });

        assertThat(told).isSameAs(why);
        assertIsOver(at);
    }

    @Test
    void aCommitThatWaitsForARowIsNotCut() throws Exception {
        RawSession holder = holder();
        Transactor at = db(Place.COMMIT, List.of(Step.sql("UPDATE item SET n = 7 WHERE id = 1"), NOTHING));
        CompletableFuture<Object> waiting = meanwhile(() -> insert(at, OPTIONS));
        assertThat(looks.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS))
                .as("it is asked about again and again")
                .isTrue();
        holder.run("ROLLBACK");

        assertThat(finished(waiting)).isEqualTo(1);
        assertThat(count("n = 7")).isOne();
    }

    @Test
    void aCommitWhoseSessionIsEndedIsUnknown_whereverItsThreadIs() throws Exception {
        RawSession holder = holder();
        Transactor at = db(Place.COMMIT, List.of(Step.sql("UPDATE item SET n = 7 WHERE id = 1"), NOTHING));
        Throwable told = finished(meanwhile(() -> catchThrowable(() -> at.execute(OPTIONS, tx -> {
            Sql.update(tx, "INSERT INTO item VALUES (50, 0)");
            wrong = true; // not before: BEGIN would be ended, too, if it took long
        }))));
        holder.run("ROLLBACK");

        assertThat(told).isInstanceOf(TxOutcomeUnknownException.class);
        assertThat(count("n = 7")).isZero();
    }

    /** Connector/J's connection is a proxy then, and takes no call while another thread is in one. */
    @Test
    void aCommitOverSeveralHostsWhoseAnswerIsLostIsUnknown_andItsSessionIsGone() throws Exception {
        URI address = ServerAndDriver.address(server());
        String host = address.getHost() + ":" + address.getPort();
        closePool();
        openPool(on.url(server(), database()).replace("//" + host + "/", "//" + host + "," + host + "/"));
        Transactor at = db(Place.COMMIT, KILLABLE);
        Throwable told = toldAtTheEnd(at, OPTIONS, () -> 1);

        assertThat(told).isInstanceOf(TxOutcomeUnknownException.class);
        assertIsOver(at);
    }

    // ---- one look

    private static LostAnswers.Session session(RawSession of) throws SQLException {
        return Objects.requireNonNull(MysqlAnswers.session(of.connection));
    }

    @Test
    void aSessionThatSleepsSinceItsMessageHasNothingToSay() throws SQLException {
        RawSession asleep = begun();
        awaitShown(asleep, "command = 'Sleep'"); // the server answers first

        assertThat(session(asleep).isOver(WITHIN, WITHIN)).isTrue();
    }

    @Test
    void aSessionThatSleepsForLongerThanItsMessageIsThereHasNotSeenIt() throws SQLException {
        RawSession asleep = begun();
        awaitShown(asleep, "time >= 6");

        assertThat(session(asleep).isOver(SHORT, WITHIN)).isFalse();
    }

    @Test
    void aSessionThatWorksMayAnswer() throws Exception {
        holder();
        RawSession session = begun();
        CompletableFuture<SQLException> error = errorMeanwhile(session, "UPDATE item SET n = 2 WHERE id = 1");
        awaitWaiting(session);

        assertThat(session(session).isOver(WITHIN, WITHIN)).isFalse();
        open().run("KILL QUERY " + session.id);
        assertThat(finished(error).getErrorCode()).isEqualTo(1317);
    }

    /** As one that is frozen, it takes connections and says nothing. */
    @Test
    void aServerThatSaysNothingIsNotWaitedForForLong() throws Exception {
        URI address = ServerAndDriver.address(server());
        try (CountingProxy proxy = CountingProxy.before(address.getHost(), address.getPort());
                Connection behind = DriverManager.getConnection(
                        on.url("localhost", proxy.port(), database()), server().user(), server().password())) {
            LostAnswers.Session session = Objects.requireNonNull(MysqlAnswers.session(behind));
            proxy.freeze();
            CompletableFuture<Boolean> asked = meanwhile(() -> session.isOver(WITHIN, SHORT));

            assertThatThrownBy(() -> finished(asked)).hasRootCauseInstanceOf(SocketTimeoutException.class);
            proxy.thaw();
        }
    }
}
