package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxAction;
import dev.holdfast.tx.TxOptions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A transaction beside the case's own, on a thread of its own: it may have to wait for what the case holds. */
final class Rival {
    /** What a rival is seen to do. */
    enum Seen {
        /** It has ended. */
        ENDED,
        /** The server says that it waits for a lock. */
        WAITING,
        /** It has not ended; the server does not tell why. */
        STILL_THERE
    }

    /** So long a rival gets to end where the server tells nobody who waits. A rival that is slower weakens the case. */
    private static final Duration QUIET = Duration.ofMillis(300);

    private static final long FIRST_PAUSE_MILLIS = 5;
    private static final long LAST_PAUSE_MILLIS = 160; // lock views may be cached for 100

    private final CaseRun run;
    private final CompletableFuture<String> session;
    private final CompletableFuture<@Nullable Void> end;

    private Rival(CaseRun run, CompletableFuture<String> session, CompletableFuture<@Nullable Void> end) {
        this.run = run;
        this.session = session;
        this.end = end;
    }

    /** Begins a transaction on another thread. */
    static Rival start(CaseRun run, Transactor db, TxOptions options, TxAction body) {
        CompletableFuture<String> session = new CompletableFuture<>();
        CompletableFuture<@Nullable Void> end = Threads.run(() -> db.execute(options, tx -> {
            session.complete(sessionId(run, tx));
            body.apply(tx);
        }));
        return new Rival(run, session, end);
    }

    private static String sessionId(CaseRun run, Tx tx) throws SQLException {
        tx.open();
        String sql = run.hooks().sessionId();
        if (sql == null) {
            return "";
        }
        try (Statement statement = tx.connection().createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /**
     * Waits until it has ended or waits for a lock.
     *
     * @throws Inconclusive if neither comes within the bound of a step
     */
    Seen seen() throws SQLException {
        String view = run.hooks().isWaiting();
        String id = began();
        if (view == null || id.isEmpty()) {
            return endsWithin(Patience.of(QUIET).toMillis()) ? Seen.ENDED : Seen.STILL_THERE;
        }
        String question = view.replace("{session}", id);
        long until = System.nanoTime() + Patience.step().toNanos();
        try (Connection monitor = run.database().sessions().getConnection();
                Statement statement = monitor.createStatement()) {
            for (long pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LAST_PAUSE_MILLIS)) {
                if (endsWithin(pause)) {
                    return Seen.ENDED;
                }
                try (ResultSet rows = statement.executeQuery(question)) {
                    if (rows.next()) {
                        return Seen.WAITING;
                    }
                }
                if (System.nanoTime() - until > 0) {
                    throw new Inconclusive("Session " + id + " neither ends nor waits for a lock");
                }
            }
        }
    }

    /** The id of its session; empty if there is no way to ask, or it ended before it began. */
    private String began() {
        try {
            return (String) CompletableFuture.anyOf(session, end.handle((nothing, thrown) -> ""))
                    .get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("the other session has not begun", e);
        } catch (InterruptedException e) {
            throw Facts.sneaky(e);
        }
    }

    private boolean endsWithin(long millis) {
        try {
            end.get(millis, TimeUnit.MILLISECONDS);
            return true;
        } catch (ExecutionException e) {
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            throw Facts.sneaky(e);
        }
    }

    /**
     * Waits for its end.
     *
     * @return what it threw; null if it committed
     */
    @Nullable
    Throwable end() {
        try {
            end.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause() == null ? e : e.getCause();
        } catch (TimeoutException e) {
            throw new AssertionError("the other session does not end within " + Patience.step(), e);
        } catch (InterruptedException e) {
            throw Facts.sneaky(e);
        }
    }
}
