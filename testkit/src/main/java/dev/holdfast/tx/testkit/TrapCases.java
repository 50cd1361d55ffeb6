package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.Feature;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What users of other frameworks lost data or hours to, and what must happen instead (TRP). */
final class TrapCases {
    /** So that it depends on no dialect whether an error would be retried. */
    private static final RetryPolicy ON_EVERYTHING =
            RetryPolicy.attempts(3).on(FailureKind.OTHER, FailureKind.values());

    private TrapCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(errors());
        all.addAll(threads());
        all.addAll(handles());
        return all;
    }

    private static List<ConformanceCase> errors() {
        return List.of(
                ConformanceCase.of(
                        "TRP-01",
                        "TX-503",
                        "the error behind a rollback at commit is the first one, not the last",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicReference<@Nullable Throwable> first = new AtomicReference<>();
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                first.set(thrownBy(() -> insert(tx, table, 1)));
                                thrownBy(() -> insert(tx, table, 2));
                            }));
                            if (told != null) {
                                equal(TxRolledBackException.class, told.getClass(), "what the caller is told");
                                equal(first.get(), told.getCause(), "its cause");
                                equal(List.of(), run.ids(table), "committed rows");
                            } else {
                                equal(List.of(1, 2), run.ids(table), "committed rows");
                            }
                        }),
                ConformanceCase.of(
                        "TRP-02",
                        "TX-503",
                        "a statement after an aborting error names that error as its cause",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                Throwable first = thrownBy(() -> insert(tx, table, 1));
                                Throwable later = thrownBy(() -> insert(tx, table, 2));
                                equal(later != null, tx.isRollbackOnly(), "whether the unit is rollback-only");
                                if (later != null) {
                                    List<Throwable> causes = new ArrayList<>();
                                    for (Throwable c = later; c != null; c = c.getCause()) {
                                        causes.add(c);
                                    }
                                    holds(() -> causes.contains(first), first + " among the causes of " + later);
                                }
                            }));
                        }),
                ConformanceCase.of(
                        "TRP-07a", "TX-1002", "a unique violation is not retried: the body runs once", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicInteger runs = new AtomicInteger();
                            Throwable told =
                                    thrownBy(() -> db.execute(TxOptions.none().retry(RetryPolicy.attempts(3)), tx -> {
                                        runs.incrementAndGet();
                                        insert(tx, table, 1);
                                        insert(tx, table, 1);
                                    }));
                            equal(1, runs.get(), "runs of the body");
                            equal(FailureKind.UNIQUE, kind(db, told), "the kind of the error");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-07b",
                        "TX-1006",
                        "a hook that fails after the commit never has the body run again",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicInteger runs = new AtomicInteger();
                            TxHookException told = throwing(
                                    TxHookException.class,
                                    () -> db.execute(TxOptions.none().retry(ON_EVERYTHING), tx -> {
                                        insert(tx, table, runs.incrementAndGet());
                                        tx.afterCommit(() -> {
                                            throw new SQLException("could not serialize access", "40001");
                                        });
                                    }));
                            equal(1, runs.get(), "runs of the body");
                            equal(List.of(1), run.ids(table), "committed rows");
                            equal("Committed[]", told.outcome().toString(), "the outcome told");
                        }),
                ConformanceCase.of(
                        "TRP-07c",
                        "TX-1006",
                        "work inside whose commit is unknown is never done again by a retry around it",
                        run -> {
                            Transactor db = run.transactor();
                            AtomicInteger runs = new AtomicInteger();
                            Failure lost = Failure.of(new SQLException("lost", "08006"), FailureKind.CONNECTION_LOST);
                            throwing(
                                    TxOutcomeUnknownException.class,
                                    () -> db.execute(TxOptions.none().retry(RetryPolicy.attempts(3)), tx -> {
                                        runs.incrementAndGet();
                                        throw new TxOutcomeUnknownException("unknown", lost, null, lost.error());
                                    }));
                            equal(1, runs.get(), "runs of the body");
                        }),
                ConformanceCase.of(
                        "TRP-07d",
                        "TX-1006",
                        "a hook that fails after a rollback that was asked for runs nothing again",
                        run -> {
                            Transactor db = run.transactor();
                            AtomicInteger runs = new AtomicInteger();
                            throwing(
                                    TxHookException.class,
                                    () -> db.execute(
                                            TxOptions.none().forceRollback().retry(ON_EVERYTHING), tx -> {
                                                runs.incrementAndGet();
                                                tx.afterRollback(() -> {
                                                    throw new SQLException("could not serialize access", "40001");
                                                });
                                            }));
                            equal(1, runs.get(), "runs of the body");
                        }),
                ConformanceCase.of(
                        "TRP-19",
                        "TX-906",
                        "what a beforeCommit hook nests and loses fires no afterCommit hook",
                        Feature.SAVEPOINTS,
                        run -> {
                            Transactor db = run.transactor();
                            List<String> fired = new ArrayList<>();
                            db.execute(tx -> tx.beforeCommit(() -> thrownBy(() -> tx.executeNested(nested -> {
                                nested.afterCommit(() -> fired.add("commit"));
                                nested.afterRollback(() -> fired.add("rollback"));
                                throw new IllegalStateException("undo");
                            }))));
                            equal(List.of("rollback"), fired, "hooks fired");
                        }),
                ConformanceCase.of(
                        "TRP-28", "TX-318", "an empty batch alone is a transaction that did nothing", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            int[] counts = db.transact(tx -> {
                                try (PreparedStatement batch =
                                        tx.connection().prepareStatement("insert into " + table + " (id) values (?)")) {
                                    return batch.executeBatch();
                                }
                            });
                            equal(0, counts.length, "update counts");
                        }),
                ConformanceCase.of(
                        "TRP-22",
                        "TX-317",
                        "an error while cleaning up never takes the place of the body's error",
                        run -> {
                            Transactor db = run.transactor();
                            IllegalStateException first = new IllegalStateException("the body's");
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                tx.afterRollback(() -> {
                                    throw new IllegalArgumentException("the hook's");
                                });
                                throw first;
                            }));
                            equal(first, told, "what the caller is told");
                            equal("the hook's", first.getSuppressed()[0].getMessage(), "what is suppressed in it");
                        }));
    }

    private static @Nullable FailureKind kind(Transactor db, @Nullable Throwable error) {
        var failure = error == null ? null : db.classify(error);
        return failure == null ? null : failure.kind();
    }

    private static List<ConformanceCase> threads() {
        return List.of(
                ConformanceCase.of("TRP-10", "TX-1104", "a thread does not see the transaction of another", run -> {
                    Transactor db = run.transactor();
                    db.execute(tx -> {
                        Tx elsewhere = Threads.supply(db::current).get(10, TimeUnit.SECONDS);
                        equal(null, elsewhere, "the current transaction of another thread");
                        equal(tx, db.current(), "the current transaction of this one");
                    });
                }),
                ConformanceCase.of(
                        "TRP-13",
                        "TX-1101",
                        "threads that share a handle take turns: nothing is lost or mixed up",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                CountDownLatch go = new CountDownLatch(2);
                                List<CompletableFuture<@Nullable Void>> both = IntStream.of(0, 1)
                                        .mapToObj(half -> Threads.run(() -> {
                                            go.countDown();
                                            for (int i = 0; i < 300; i++) {
                                                int id = 2 * i + half;
                                                tx.executeNested(nested -> insert(nested, table, id));
                                            }
                                        }))
                                        .toList();
                                for (CompletableFuture<@Nullable Void> one : both) {
                                    one.get(60, TimeUnit.SECONDS);
                                }
                            });
                            equal(IntStream.range(0, 600).boxed().toList(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-13b",
                        "TX-1103",
                        "a body that ends while another thread still works in a child scope is rolled back",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            CountDownLatch inside = new CountDownLatch(1);
                            CountDownLatch leave = new CountDownLatch(1);
                            AtomicReference<@Nullable CompletableFuture<@Nullable Void>> child =
                                    new AtomicReference<>();
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(tx -> {
                                        insert(tx, table, 1);
                                        child.set(Threads.run(() -> tx.execute(joined -> {
                                            inside.countDown();
                                            leave.await(60, TimeUnit.SECONDS);
                                        })));
                                        holds(() -> await(inside), "the child scope has begun");
                                    }));
                            leave.countDown();
                            equal("CHILD_STILL_OPEN", told.outcome().reason().name(), "the reason told");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-10b",
                        "TX-220",
                        "two databases work side by side in one block",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> twoDatabases(run, true)),
                ConformanceCase.of(
                        "TRP-10c",
                        "TX-220",
                        "work on another database is not part of the transaction it is done in",
                        run -> twoDatabases(run, false)));
    }

    private static void twoDatabases(CaseRun run, boolean writesBefore) throws Exception {
        String left = run.table();
        String right = run.table();
        Transactor one = run.transactor(EngineSetup.on(run.pool(1)));
        Transactor other = run.transactor(EngineSetup.on(run.pool(1)));
        thrownBy(() -> one.execute(tx -> {
            if (writesBefore) {
                insert(one, left, 1);
            }
            other.execute(in -> insert(other, right, 1));
            insert(one, left, 2);
            throw new IllegalStateException("only the left one");
        }));
        equal(List.of(), run.ids(left), "rows of the one that failed");
        equal(List.of(1), run.ids(right), "rows of the other");
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static List<ConformanceCase> handles() {
        return List.of(
                ConformanceCase.of(
                        "TRP-23a",
                        "TX-405",
                        "what was kept from a scope that has ended sends nothing and says why",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicReference<@Nullable Connection> kept = new AtomicReference<>();
                            AtomicReference<@Nullable PreparedStatement> statement = new AtomicReference<>();
                            Tx handle = db.transact(tx -> {
                                kept.set(tx.connection());
                                statement.set(
                                        tx.connection().prepareStatement("insert into " + table + " (id) values (1)"));
                                return tx;
                            });
                            Connection connection = java.util.Objects.requireNonNull(kept.get());
                            PreparedStatement prepared = java.util.Objects.requireNonNull(statement.get());
                            holds(() -> isClosed(connection), "the connection reports that it is closed");
                            state(throwing(SQLException.class, connection::createStatement));
                            state(throwing(SQLException.class, prepared::executeUpdate));
                            throwing(TxStateException.class, handle::connection);
                            throwing(TxStateException.class, () -> handle.execute(tx -> {}));
                            throwing(TxStateException.class, () -> handle.afterCommit(() -> {}));
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-23b",
                        "TX-404",
                        "commit, rollback and their statements are refused on a connection of a scope",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                Connection connection = tx.connection();
                                state(throwing(SQLException.class, connection::commit));
                                state(throwing(SQLException.class, connection::rollback));
                                state(throwing(SQLException.class, () -> connection.setAutoCommit(true)));
                                state(throwing(SQLException.class, connection::setSavepoint));
                                for (String text : List.of(
                                        "COMMIT",
                                        " /* so */ rollback",
                                        "-- now\ncommit",
                                        "savepoint x",
                                        "begin",
                                        "end")) {
                                    state(throwing(SQLException.class, () -> execute(connection, text)));
                                }
                                throw new IllegalStateException("undo");
                            }));
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-23c",
                        "TX-218",
                        "work outside commits by itself, whatever becomes of the scope",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> {
                            String inside = run.table();
                            String outside = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                insert(db, inside, 1);
                                db.executeOutside(() -> insert(db, outside, 2));
                                equal(List.of(2), run.ids(outside), "rows that others see before the end of the scope");
                                insert(db, inside, 3);
                                throw new IllegalStateException("undo");
                            }));
                            equal(List.of(), run.ids(inside), "committed rows of the scope");
                            equal(List.of(2), run.ids(outside), "committed rows of the work outside");
                        }),
                ConformanceCase.of(
                        "TRP-23d",
                        "TX-218",
                        "work outside that comes before the scope's own is committed at once",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                db.executeOutside(() -> insert(db, table, 1));
                                equal(List.of(1), run.ids(table), "rows that others see before the end of the scope");
                                insert(db, table, 2);
                                throw new IllegalStateException("undo");
                            }));
                            equal(List.of(1), run.ids(table), "committed rows");
                        }));
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static boolean isClosed(Connection connection) {
        try {
            return connection.isClosed();
        } catch (SQLException e) {
            return false;
        }
    }

    private static void state(SQLException refusal) {
        Throwable cause = refusal.getCause();
        equal(TxStateException.class, cause == null ? null : cause.getClass(), "the cause of the refusal");
    }
}
