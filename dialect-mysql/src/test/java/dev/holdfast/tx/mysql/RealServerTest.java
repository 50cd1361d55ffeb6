package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A real server by one of the drivers, and in it a database with tables {@code item}, which has two rows, and
 * {@code child}, which has none. A test shows what an error is said to be, and that the server agrees.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(ServerAndDriver.class)
abstract class RealServerTest {
    static final MysqlDialect DIALECT = new MysqlDialect();
    static final Wish PLAIN = Wish.of(TxOptions.none());

    /** Servers answer from a copy of their locks that is renewed when nobody has looked for a tenth of a second. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(120);

    static final int NO_SUCH_SESSION = 1094;

    private static final AtomicInteger DATABASES = new AtomicInteger();

    @SuppressWarnings("NullAway.Init") // by the front end
    @Parameter
    ServerAndDriver on;

    /** One for each class of tests and parameter, for making them takes long. */
    private static final Map<String, Bed> BEDS = new ConcurrentHashMap<>();

    private record Bed(ServerUrl server, String database, ServerAndDriver on) {
        RawSession admin() throws SQLException {
            return new RawSession(DriverManager.getConnection(on.url(server, ""), server.user(), server.password()));
        }
    }

    private final List<RawSession> opened = new ArrayList<>();
    private @Nullable Bed bed;
    private @Nullable Profile profile;

    /** What the server is started with. */
    String[] options() {
        return new String[0];
    }

    private Bed bed() {
        if (bed == null) {
            bed = BEDS.computeIfAbsent(
                    getClass().getName() + on,
                    any -> new Bed(
                            on.server(options()),
                            "t" + ProcessHandle.current().pid() + "_" + DATABASES.incrementAndGet(),
                            on));
        }
        return bed;
    }

    final ServerUrl server() {
        return bed().server;
    }

    final String database() {
        return bed().database;
    }

    @BeforeEach
    final void createTables() throws SQLException {
        try (RawSession session = bed().admin()) {
            session.run("CREATE DATABASE IF NOT EXISTS " + database(), "USE " + database());
            session.run(
                    "CREATE TABLE IF NOT EXISTS item (id int PRIMARY KEY, n int NOT NULL,"
                            + " CONSTRAINT positive CHECK (n >= 0))",
                    "CREATE TABLE IF NOT EXISTS child (item int,"
                            + " CONSTRAINT to_item FOREIGN KEY (item) REFERENCES item (id))",
                    "DELETE FROM child",
                    "DELETE FROM item",
                    "INSERT INTO item VALUES (1, 0), (2, 0)");
        }
    }

    @AfterEach
    final void closeAll() throws SQLException {
        for (RawSession session : opened) {
            session.connection.abort(Runnable::run);
        }
        try (RawSession session = bed().admin()) {
            for (RawSession each : opened) {
                try {
                    session.run("KILL " + each.id); // it may hold locks until the server has noticed
                } catch (SQLException goneAlready) {
                    assertThat(goneAlready.getErrorCode()).isEqualTo(NO_SUCH_SESSION);
                }
            }
        }
        for (RawSession each : opened) {
            awaitGone(each);
        }
    }

    @AfterAll
    static void dropDatabases() throws SQLException {
        for (Bed bed : BEDS.values()) {
            try (RawSession session = bed.admin()) {
                session.run("DROP DATABASE IF EXISTS " + bed.database);
            }
        }
        BEDS.clear();
    }

    final Connection connect(String database, String user, String password) throws SQLException {
        return DriverManager.getConnection(on.url(server(), database), user, password);
    }

    /** A session of its own in the test's database. */
    final RawSession open() throws SQLException {
        return open(server().user(), server().password());
    }

    final RawSession open(String user, String password) throws SQLException {
        RawSession session = new RawSession(connect(database(), user, password));
        opened.add(session);
        return session;
    }

    /** A transaction that has written row 50, and set a savepoint. */
    final RawSession begun() throws SQLException {
        return begun(open());
    }

    final RawSession begun(RawSession session) throws SQLException {
        session.run("START TRANSACTION", "INSERT INTO item VALUES (50, 0)", "SAVEPOINT before_it");
        return session;
    }

    /** A transaction that has locked row 1. */
    final RawSession holder() throws SQLException {
        RawSession session = open();
        session.run("START TRANSACTION", "UPDATE item SET n = 1 WHERE id = 1");
        return session;
    }

    /** What the dialect makes of the server. */
    final Profile profile() throws SQLException {
        if (profile == null) {
            try (RawSession session = open()) {
                Identity identity = Identity.of(session.connection);
                session.perform(DIALECT.probe(identity));
                profile = DIALECT.profile(identity, new Answers(session.slots));
            }
        }
        return profile;
    }

    final Failure inStatement(SQLException error) throws SQLException {
        return classified(error, Moment.of(Phase.STATEMENT, PLAIN));
    }

    final Failure atCommit(SQLException error) throws SQLException {
        return classified(error, Moment.of(Phase.COMMIT, PLAIN));
    }

    final Failure classified(SQLException error, Moment moment) throws SQLException {
        return DIALECT.classify(error, moment, profile());
    }

    static void assertIs(Failure failure, FailureKind kind, FailureEffect effect) {
        assertThat(failure.kind()).as("%s", failure.error()).isEqualTo(kind);
        assertThat(failure.effect()).as("%s", failure.error()).isEqualTo(effect);
    }

    static void assertIs(Failure failure, FailureKind kind, FailureEffect effect, CommitFate fate) {
        assertIs(failure, kind, effect);
        assertThat(failure.atCommit()).as("%s", failure.error()).isEqualTo(fate);
    }

    /** The transaction is there, with what it did, and takes more. */
    final void assertGoesOn(RawSession session) throws SQLException {
        assertThat(session.hasSavepoint("before_it"))
                .as("the savepoint is there")
                .isTrue();
        session.run("INSERT INTO item VALUES (51, 0)");
        assertThat(count("id >= 50")).as("rows that others see").isZero();
        session.run("COMMIT");
        assertThat(count("id >= 50")).as("rows that are committed").isEqualTo(2);
    }

    /**
     * The transaction is not there, and nothing of what it did; whatever comes next commits by itself, or, on MariaDB 11,
     * begins another one.
     */
    final void assertIsGone(RawSession session) throws SQLException {
        assertThat(session.hasSavepoint("before_it"))
                .as("the savepoint is there")
                .isFalse();
        session.run("INSERT INTO item VALUES (51, 0)");
        boolean isInAnother = on.isMariadb() && "1".equals(session.ask("SELECT @@in_transaction"));
        assertThat(count("id = 51")).as("rows written after it").isEqualTo(isInAnother ? 0 : 1);
        session.run("COMMIT");
        assertThat(count("id = 50")).as("rows of the transaction").isZero();
        assertThat(count("id = 51")).as("rows written after it, committed").isOne();
    }

    /** A user of everywhere and of localhost: a server may have a nameless one of localhost, who would be taken instead. */
    static String accounts(String user, String clause) {
        return "'" + user + "'@'%'" + clause + ", '" + user + "'@'localhost'" + clause;
    }

    /** Whether it is a MariaDB, or a MySQL of this version or a newer one. */
    final boolean isSince(int... version) throws SQLException {
        if (on.isMariadb()) {
            return true;
        }
        try (RawSession outside = bed().admin()) {
            String[] numbers = String.valueOf(outside.ask("SELECT VERSION()")).split("\\D+");
            int[] there = Stream.of(numbers)
                    .limit(version.length)
                    .mapToInt(Integer::parseInt)
                    .toArray();
            return Arrays.compare(there, version) >= 0;
        }
    }

    /** How often this is in the table, seen from outside. */
    final int count(String condition) throws SQLException {
        try (RawSession outside = bed().admin()) {
            outside.run("USE " + database());
            return Integer.parseInt(String.valueOf(outside.ask("SELECT COUNT(*) FROM item WHERE " + condition)));
        }
    }

    /** Does this on another thread. */
    static <T extends @Nullable Object> CompletableFuture<T> meanwhile(Callable<T> work) {
        return Threads.supply(work);
    }

    /** The error that a statement on another thread ends with. */
    static CompletableFuture<SQLException> errorMeanwhile(RawSession session, String sql) {
        return meanwhile(() -> session.errorOf(sql));
    }

    static <T extends @Nullable Object> T finished(CompletableFuture<T> work) throws Exception {
        try {
            return work.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("Not done in time, or not done well", e);
        }
    }

    /** Waits until that session waits for a row. */
    final void awaitWaiting(RawSession session) throws SQLException {
        awaitWaiting(session.id);
    }

    final void awaitWaiting(String id) throws SQLException {
        String question = String.valueOf(DIALECT.testHooks(profile()).isWaiting());
        await(id, "it waits for a row", question.replace("{session}", id));
    }

    /** Waits until the list of processes shows that session like this. */
    final void awaitShown(RawSession session, String condition) throws SQLException {
        awaitShown(session.id, condition);
    }

    final void awaitShown(String id, String condition) throws SQLException {
        await(id, condition, "SELECT 1 FROM information_schema.processlist WHERE id = " + id + " AND " + condition);
    }

    /** Waits until others see that row. */
    final void awaitRow(int id) throws SQLException {
        await("any", "row " + id + " is seen", "SELECT 1 FROM " + database() + ".item WHERE id = " + id);
    }

    /** Waits until that session is gone. */
    final void awaitGone(RawSession session) throws SQLException {
        awaitGone(session.id);
    }

    final void awaitGone(String id) throws SQLException {
        await(
                id,
                "it is gone",
                "SELECT 1 FROM (SELECT 1) t WHERE NOT EXISTS (SELECT 1 FROM information_schema.processlist WHERE id = "
                        + id + ")");
    }

    final void kill(RawSession session) throws SQLException {
        open().run("KILL " + session.id);
        awaitGone(session);
    }

    private void await(String id, String what, String question) throws SQLException {
        long end = System.nanoTime() + Patience.step().toNanos();
        try (RawSession outside = bed().admin()) {
            while (outside.ask(question) == null) {
                if (System.nanoTime() > end) {
                    throw new AssertionError("In vain until session " + id + ": " + what);
                }
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
    }
}
