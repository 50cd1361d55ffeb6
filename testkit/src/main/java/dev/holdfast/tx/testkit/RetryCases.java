package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.spi.Anomaly;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Running a transaction again (RTY). */
final class RetryCases {
    private static final Duration MOMENT = Duration.ofNanos(1);
    private static final Duration AGES = Duration.ofDays(1);

    /** Of errors that can be had at will. */
    private static final RetryPolicy ON_DUPLICATES =
            RetryPolicy.attempts(3).on(FailureKind.UNIQUE).backoff(MOMENT, MOMENT);

    private RetryCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(attempts());
        all.addAll(ends());
        all.addAll(refused());
        all.add(conflict());
        all.add(lostConnection());
        return all;
    }

    private static TxOptions retry(RetryPolicy policy) {
        return TxOptions.none().retry(policy);
    }

    private static List<ConformanceCase> attempts() {
        return List.of(
                ConformanceCase.of(
                        "RTY-02",
                        "TX-1001",
                        "when all attempts are used up the last error is told, with the earlier ones",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<Throwable> raised = new ArrayList<>();
                            Throwable told = thrownBy(() -> db.execute(retry(ON_DUPLICATES), tx -> {
                                insert(tx, table, 1);
                                try {
                                    insert(tx, table, 1);
                                } catch (SQLException e) {
                                    raised.add(e);
                                    throw e;
                                }
                            }));
                            equal(3, raised.size(), "attempts");
                            equal(raised.get(2), told, "the error told");
                            equal(List.of(raised.get(1)), List.of(raised.get(2).getSuppressed()), "suppressed in it");
                            equal(List.of(raised.get(0)), List.of(raised.get(1).getSuppressed()), "suppressed in that");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of("RTY-03", "TX-1002", "what is not retryable runs once", run -> {
                    String table = run.table("id int primary key, v int not null");
                    Transactor db = run.transactor();
                    AtomicInteger attempts = new AtomicInteger();
                    thrownBy(() -> db.execute(retry(ON_DUPLICATES), tx -> {
                        attempts.incrementAndGet();
                        update(tx, "insert into " + table + " (id, v) values (1, null)");
                    }));
                    thrownBy(() -> db.execute(retry(ON_DUPLICATES), tx -> {
                        attempts.incrementAndGet();
                        throw new IllegalStateException("no database error");
                    }));
                    equal(2, attempts.get(), "attempts of two calls");
                }),
                ConformanceCase.of(
                        "RTY-04",
                        "TX-1003",
                        "each attempt is a fresh transaction that sees what was committed between",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            RetryPolicy policy = ON_DUPLICATES.onAttempt((attempt, failure, delay) ->
                                    observe(run, "insert into " + table + " (id, v) values (7, 0)"));
                            List<List<Integer>> seen = new ArrayList<>();
                            db.execute(retry(policy).isolation(run.strongestLevel()), tx -> {
                                seen.add(ints(tx, "select id from " + table));
                                insert(tx, table, 1);
                                if (seen.size() == 1) {
                                    insert(tx, table, 1);
                                }
                            });
                            equal(List.of(List.of(), List.of(7)), seen, "rows that each attempt sees");
                            equal(List.of(1, 7), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RTY-05",
                        "TX-1008",
                        "the listener is told which attempt failed, why, and how long the wait is",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> told = new ArrayList<>();
                            RetryPolicy policy = ON_DUPLICATES.onAttempt((attempt, failure, delay) -> {
                                told.add(attempt + " " + failure.kind());
                                holds(() -> delay.compareTo(MOMENT) <= 0, "the wait is within its bound");
                            });
                            AtomicInteger attempts = new AtomicInteger();
                            String result = db.transact(retry(policy), tx -> {
                                insert(tx, table, 1);
                                if (attempts.incrementAndGet() < 3) {
                                    insert(tx, table, 1);
                                }
                                return "result";
                            });
                            equal("result", result, "the result of the attempt that did well");
                            equal(List.of("1 UNIQUE", "2 UNIQUE"), told, "what the listener was told");
                        }),
                ConformanceCase.of(
                        "RTY-14",
                        "TX-1013",
                        "what a hook before the commit ran into is tried again like the body's",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicInteger attempts = new AtomicInteger();
                            db.execute(retry(ON_DUPLICATES), tx -> {
                                insert(tx, table, 1);
                                int attempt = attempts.incrementAndGet();
                                tx.beforeCommit(() -> insert(tx, table, attempt));
                            });
                            equal(2, attempts.get(), "attempts");
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }));
    }

    private static void observe(CaseRun run, String sql) {
        try {
            run.observe(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<ConformanceCase> ends() {
        return List.of(
                ConformanceCase.of("RTY-06", "TX-1009", "a deadline covers all attempts together", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    AtomicInteger attempts = new AtomicInteger();
                    thrownBy(() -> db.execute(retry(ON_DUPLICATES.deadline(MOMENT)), tx -> {
                        attempts.incrementAndGet();
                        insert(tx, table, 1);
                        insert(tx, table, 1);
                    }));
                    equal(1, attempts.get(), "attempts under a deadline that has passed after the first");
                }),
                ConformanceCase.of(
                        "RTY-10",
                        "TX-1010",
                        "an interrupt ends the wait for the next attempt, and no connection is held",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            RetryPolicy policy = RetryPolicy.attempts(2)
                                    .on(FailureKind.UNIQUE)
                                    .backoff(AGES, AGES)
                                    .onAttempt((attempt, failure, delay) -> {
                                        insertInPassing(db, table);
                                        Thread.currentThread().interrupt();
                                    });
                            Throwable told = thrownBy(() -> db.execute(retry(policy), tx -> {
                                insert(tx, table, 1);
                                insert(tx, table, 1);
                            }));
                            equal(true, Thread.interrupted(), "the flag of the thread");
                            Failure failure = told == null ? null : db.classify(told);
                            equal(FailureKind.UNIQUE, failure == null ? null : failure.kind(), "the error told");
                            equal(List.of(9), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RTY-13", "TX-1008", "a listener that fails ends the attempts, and is suppressed", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException failure = new IllegalStateException("planned by the case");
                            RetryPolicy policy = ON_DUPLICATES.onAttempt((attempt, why, delay) -> {
                                throw failure;
                            });
                            Throwable told = thrownBy(() -> db.execute(retry(policy), tx -> {
                                insert(tx, table, 1);
                                insert(tx, table, 1);
                            }));
                            equal(List.of(failure), told == null ? null : List.of(told.getSuppressed()), "suppressed");
                        }));
    }

    private static void insertInPassing(Transactor db, String table) {
        db.execute(tx -> insert(tx, table, 9));
    }

    private static List<ConformanceCase> refused() {
        return List.of(ConformanceCase.of("RTY-07", "TX-1005", "only the root may be run again", run -> {
            String table = run.table();
            Transactor db = run.transactor();
            db.execute(tx -> {
                insert(tx, table, 1);
                throwing(
                        TxRejectedException.class,
                        () -> db.execute(retry(ON_DUPLICATES), inner -> insert(inner, table, 2)));
                insert(tx, table, 3);
            });
            throwing(TxRejectedException.class, () -> db.begin(retry(ON_DUPLICATES)));
            equal(List.of(1, 3), run.ids(table), "committed rows");
        }));
    }

    /** The two meet on their first attempts only, so that one of them must fail, and can then do well. */
    private static ConformanceCase conflict() {
        return ConformanceCase.of(
                "RTY-01", "TX-1011", "of two transactions that cannot both be right one is run again", run -> {
                    TxOptions options = retry(RetryPolicy.attempts(20)).overlay(noLostUpdate(run.profile()));
                    String table = run.table();
                    run.observe("insert into " + table + " (id, v) values (1, 1)");
                    Transactor db = run.transactor();
                    CyclicBarrier bothHaveRead = new CyclicBarrier(2);
                    AtomicInteger attempts = new AtomicInteger();
                    List<CompletableFuture<@Nullable Void>> both = new ArrayList<>();
                    for (int factor : List.of(3, 5)) {
                        both.add(Threads.run(() -> {
                            AtomicInteger mine = new AtomicInteger();
                            db.execute(options, tx -> {
                                attempts.incrementAndGet();
                                int read = ints(tx, "select v from " + table + " where id = 1")
                                        .get(0);
                                if (mine.incrementAndGet() == 1) {
                                    bothHaveRead.await(Patience.step().toSeconds(), TimeUnit.SECONDS);
                                }
                                update(tx, "update " + table + " set v = ? where id = 1", factor * read);
                            });
                        }));
                    }
                    for (CompletableFuture<@Nullable Void> one : both) {
                        one.get(Patience.step().multipliedBy(2).toSeconds(), TimeUnit.SECONDS);
                    }
                    equal(
                            List.of(15),
                            run.observed("select v from " + table),
                            "the value, multiplied by one and by the other");
                    holds(() -> attempts.get() > 2, "one was run again");
                    run.note("attempts of two", attempts.get());
                });
    }

    /** A transaction that both can have begun and read in, and that lets neither overwrite what the other wrote. */
    private static TxOptions noLostUpdate(Profile profile) {
        for (Isolation level : List.of(Isolation.SERIALIZABLE, Isolation.SNAPSHOT, Isolation.REPEATABLE_READ)) {
            IsolationModel model = profile.levels().containsKey(level) ? profile.model(level) : null;
            if (model != null && model.prevented().contains(Anomaly.LOST_UPDATE)) {
                // one writer at a time: they conflict only if both have read before either has the write lock
                return profile.has(Feature.SINGLE_WRITER) && profile.has(Feature.BEGIN_MODE)
                        ? TxOptions.of(level).beginMode(BeginMode.DEFERRED)
                        : TxOptions.of(level);
            }
        }
        throw new Untested("no level of this database prevents a lost update");
    }

    private static ConformanceCase lostConnection() {
        return ConformanceCase.of(
                "RTY-11",
                "TX-1003",
                "a connection that was lost is not used for the next attempt",
                Needs.of(Means.KILL),
                run -> {
                    String sessionId = Objects.requireNonNull(run.hooks().sessionId());
                    String kill = Objects.requireNonNull(run.hooks().kill());
                    String table = run.table();
                    Transactor db = run.transactor(EngineSetup.on(run.closing(NestingCases.scripted(run))));
                    List<Integer> sessions = new ArrayList<>();
                    db.execute(retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT)), tx -> {
                        sessions.addAll(ints(tx, sessionId));
                        if (sessions.size() == 1) {
                            run.observe(
                                    kill.replace("{session}", sessions.get(0).toString()));
                        }
                        insert(tx, table, 1);
                    });
                    equal(2, sessions.size(), "attempts");
                    equal(2L, sessions.stream().distinct().count(), "sessions of the attempts");
                    equal(List.of(1), run.ids(table), "committed rows");
                });
    }
}
