package dev.holdfast.tx.postgres;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A real server, the oldest and the newest there is, and in it a schema for each test. */
@ParameterizedClass(name = "PostgreSQL {0}")
@ValueSource(ints = {14, 18})
abstract class ServerTest {
    static final Duration BOUND = Duration.ofSeconds(20);
    private static final AtomicInteger SCHEMAS = new AtomicInteger();

    @Parameter
    int major;

    private final String schema = "t" + ProcessHandle.current().pid() + "_" + SCHEMAS.incrementAndGet();
    private final List<Session> opened = new ArrayList<>();

    @BeforeEach
    void createSchema() throws SQLException {
        try (Session session = new Session(connect(""))) {
            session.run("CREATE SCHEMA " + schema);
            session.run("CREATE TABLE " + schema + ".item (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0))");
            session.run("INSERT INTO " + schema + ".item VALUES (1, 0), (2, 0)");
        }
    }

    @AfterEach
    void closeAll() throws SQLException {
        for (Session session : opened) {
            session.connection.abort(Runnable::run);
        }
        try (Session session = new Session(connect(""))) {
            session.run("DROP SCHEMA " + schema + " CASCADE");
        }
    }

    /** A session of its own in the test's schema. */
    final Session open() throws SQLException {
        return open("");
    }

    /** The same, with more parameters of the driver. */
    final Session open(String parameters) throws SQLException {
        Session session = new Session(connect("&currentSchema=" + schema + parameters));
        opened.add(session);
        return session;
    }

    private Connection connect(String parameters) throws SQLException {
        ServerUrl server = TestServer.postgres(major).find();
        return DriverManager.getConnection(server.url() + parameters);
    }

    /** What the dialect makes of the server. */
    final Profile profile() throws SQLException {
        return profile(Autocommit.ON, Profiles.PGJDBC);
    }

    final Profile profile(Autocommit autocommit, String driver) throws SQLException {
        try (Session session = open()) {
            DatabaseMetaData data = session.connection.getMetaData();
            Identity identity = new Identity(
                    data.getDatabaseProductName(),
                    data.getDatabaseProductVersion(),
                    driver,
                    data.getDriverVersion(),
                    data.getURL(),
                    autocommit);
            session.perform(Profiles.DIALECT.probe(identity));
            return Profiles.DIALECT.profile(identity, new Answers(session.slots));
        }
    }

    /** How often this is in the table, seen from outside. */
    final int count(String condition) throws SQLException {
        try (Session outside = open()) {
            return Integer.parseInt(String.valueOf(outside.ask("SELECT count(*) FROM item WHERE " + condition)));
        }
    }

    /** Does this on another thread. */
    static <T extends @Nullable Object> CompletableFuture<T> meanwhile(Callable<T> work) {
        return Threads.supply(work);
    }

    static <T extends @Nullable Object> T finished(CompletableFuture<T> work) throws Exception {
        try {
            return work.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("Not done in time, or not done well", e);
        }
    }

    /** Waits until that session waits for a lock. */
    final void awaitWaiting(String pid) throws SQLException {
        String question = String.valueOf(Profiles.DIALECT.testHooks(profile()).isWaiting());
        try (Session outside = open()) {
            await("session " + pid + " waits", () -> outside.ask(question.replace("{session}", pid)) != null);
        }
    }

    /** Ends that session, and waits until it is gone. */
    final void terminate(String pid) throws SQLException {
        String kill = String.valueOf(Profiles.DIALECT.testHooks(profile()).kill());
        open().run(kill.replace("{session}", pid));
        awaitGone(pid);
    }

    /** Waits until that session is gone. */
    final void awaitGone(String pid) throws SQLException {
        Session outside = open();
        await(
                "session " + pid + " is gone",
                () -> outside.ask("SELECT 1 FROM pg_stat_activity WHERE pid = " + pid) == null);
    }

    /** Waits until this holds. */
    static void await(String what, Callable<Boolean> condition) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (System.nanoTime() < end) {
            try {
                if (condition.call()) {
                    return;
                }
            } catch (Exception e) {
                throw new AssertionError("While waiting until " + what, e);
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("In vain: " + what);
    }
}
