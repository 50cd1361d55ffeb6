package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Scopes that join, and scopes of their own (NST); {@link SavepointCases} has those in between. */
final class NestingCases {
    private static final TxOptions SEPARATE = TxOptions.none().propagation(Propagation.SEPARATE);

    private NestingCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(joining());
        all.addAll(separate());
        all.addAll(rejected());
        all.addAll(found());
        return all;
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    private static List<ConformanceCase> joining() {
        return List.of(
                ConformanceCase.of(
                        "NST-01", "TX-201", "a scope in a scope joins: one connection, and one commit", run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            calls.play(null);
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                db.execute(inner -> insert(inner, table, 2));
                                tx.execute(inner -> insert(inner, table, 3));
                            });
                            equal(1, calls.ledger().size(), "connections taken");
                            equal(
                                    1L,
                                    calls.calls().stream()
                                            .filter(JdbcCall::isCommit)
                                            .count(),
                                    "commits sent");
                            equal(List.of(1, 2, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-02",
                        "TX-202",
                        "a joined scope that failed is not forgotten when its error is caught",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException failure = planned();
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(tx -> {
                                        insert(tx, table, 1);
                                        thrownBy(() -> db.execute(inner -> {
                                            throw failure;
                                        }));
                                        insert(tx, table, 2);
                                    }));
                            equal(failure, told.getCause(), "the cause told");
                            equal(Reason.JOINED_SCOPE_FAILED, told.outcome().reason(), "the reason told");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-10b",
                        "TX-203",
                        "a joined scope that asks for the rollback has the owner told of it",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(tx -> {
                                        insert(tx, table, 1);
                                        db.execute(inner -> inner.setRollbackOnly("planned by the case"));
                                        holds(tx::isRollbackOnly, "the unit is rollback-only");
                                    }));
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-12", "TX-216", "after a scope that failed the one around it is current again", run -> {
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                for (TxOptions options : List.of(TxOptions.none(), SEPARATE)) {
                                    thrownBy(() -> db.execute(options, inner -> {
                                        equal(inner, db.current(), "the current transaction inside");
                                        throw planned();
                                    }));
                                    equal(tx, db.current(), "the current transaction afterwards");
                                }
                            }));
                            equal(null, db.current(), "the current transaction after all");
                        }),
                ConformanceCase.of(
                        "NST-13",
                        "TX-216",
                        "after a scope that had no connection the one around it is current",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            calls.play(Fault.throwing(1, "08001"));
                            db.execute(tx -> {
                                failsToConnect(db, tx, calls, table);
                                insert(db, table, 2);
                            });
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-13b",
                        "TX-216",
                        "a transaction goes on where it was after one of its own had no connection",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                calls.play(Fault.throwing(1, "08001"));
                                failsToConnect(db, tx, calls, table);
                                insert(db, table, 2);
                                equal(List.of(), calls.ledger(), "connections taken since");
                                equal(List.of(1, 2), ints(tx, "select id from " + table + " order by id"), "rows");
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-08", "TX-218", "work outside runs without the transaction, which then goes on", run -> {
                            String table = run.table();
                            String other = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                db.executeOutside(() -> {
                                    equal(null, db.current(), "the current transaction outside");
                                    equal(List.of(), ints(db, "select id from " + other), "rows read outside");
                                });
                                equal(tx, db.current(), "the current transaction afterwards");
                                insert(db, table, 2);
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }));
    }

    private static void failsToConnect(Transactor db, Tx tx, ScriptedDataSource calls, String table) {
        throwing(SQLException.class, () -> db.execute(SEPARATE, own -> insert(own, table, 9)));
        holds(calls::hasFired, "there was no connection");
        equal(tx, db.current(), "the current transaction afterwards");
        equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
    }

    private static List<ConformanceCase> separate() {
        return List.of(
                ConformanceCase.of(
                        "NST-03",
                        "TX-204",
                        "a scope of its own is committed beside the one around it, and survives its rollback",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> {
                            String around = run.table();
                            String own = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, around, 1);
                                db.execute(SEPARATE, inner -> insert(inner, own, 2));
                                equal(List.of(2), run.ids(own), "rows that others see before the end of the outer one");
                                insert(tx, around, 3);
                                throw planned();
                            }));
                            equal(List.of(), run.ids(around), "committed rows of the outer one");
                            equal(List.of(2), run.ids(own), "committed rows of its own");
                        }),
                ConformanceCase.of(
                        "NST-03d", "TX-204", "a scope of its own that ends before the one around it begins", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                db.execute(SEPARATE, own -> insert(own, table, 1));
                                equal(
                                        List.of(1),
                                        run.ids(table),
                                        "rows that others see before the end of the outer one");
                                insert(tx, table, 2);
                                throw planned();
                            }));
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-03b",
                        "TX-204",
                        "a scope of its own that fails, caught, leaves the one around it unharmed",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                thrownBy(() -> db.execute(SEPARATE, own -> {
                                    insert(own, table, 1);
                                    throw planned();
                                }));
                                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                                insert(tx, table, 2);
                            });
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-03c",
                        "TX-205",
                        "one of its own that would wait for the writer around it is refused at once, and elsewhere runs",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                Throwable seen = thrownBy(() -> db.execute(SEPARATE, own -> insert(own, table, 2)));
                                if (run.has(Feature.SINGLE_WRITER)) {
                                    rejection(seen);
                                } else {
                                    equal(null, seen, "what a transaction of its own raises");
                                }
                                insert(tx, table, 3);
                            });
                            List<Integer> rows = run.has(Feature.SINGLE_WRITER) ? List.of(1, 3) : List.of(1, 2, 3);
                            equal(rows, run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-23", "TX-229", "a scope of its own has no more time than the one around it", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Throwable told = thrownBy(() -> db.execute(
                                    TxOptions.none().wholeTimeout(Duration.ofNanos(1)), // over by now
                                    tx -> db.execute(
                                            SEPARATE.wholeTimeout(Duration.ofHours(1)), own -> insert(own, table, 1))));
                            Throwable cause = told instanceof SQLException ? told.getCause() : told;
                            if (!(cause instanceof TxTimeoutException timeout)) {
                                throw new AssertionError("expected a TxTimeoutException, but saw " + told, told);
                            }
                            equal(TxTimeoutException.Limit.WHOLE, timeout.limit(), "the limit named");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-04",
                        "TX-205",
                        "on a pool of one a second connection of the same call is refused, and the first goes on",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                rejection(thrownBy(() -> db.execute(SEPARATE, own -> insert(own, table, 2))));
                                rejection(thrownBy(() -> db.executeOutside(() -> insert(db, table, 2))));
                                equal(tx, db.current(), "the current transaction afterwards");
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }));
    }

    /** JDBC wants an SQLException; ours is its cause. */
    private static void rejection(@Nullable Throwable seen) {
        Throwable cause = seen instanceof SQLException sql ? sql.getCause() : seen;
        if (!(cause instanceof TxRejectedException)) {
            throw new AssertionError("expected a TxRejectedException, but saw " + seen, seen);
        }
    }

    private static List<ConformanceCase> rejected() {
        return List.of(
                ConformanceCase.of("NST-07", "TX-206", "what needs a transaction is rejected without one", run -> {
                    ScriptedDataSource calls = run.closing(scripted(run));
                    Transactor db = run.transactor(EngineSetup.on(calls));
                    calls.play(null);
                    throwing(
                            TxRejectedException.class,
                            () -> db.execute(
                                    TxOptions.none().propagation(Propagation.MANDATORY),
                                    tx -> insert(tx, "nowhere", 1)));
                    equal(List.of(), calls.calls(), "calls of the driver");
                }),
                ConformanceCase.of(
                        "NST-07b", "TX-207", "a scope that is rejected runs nothing and poisons nothing", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            TxOptions mustBeRoot = TxOptions.none().propagation(Propagation.ROOT_ONLY);
                            db.execute(mustBeRoot, tx -> {
                                insert(tx, table, 1);
                                throwing(
                                        TxRejectedException.class,
                                        () -> db.execute(mustBeRoot, inner -> insert(inner, table, 2)));
                                throwing(
                                        TxException.class,
                                        () -> db.execute(
                                                TxOptions.none().forceRollback(), inner -> insert(inner, table, 3)));
                                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                                insert(tx, table, 4);
                            });
                            equal(List.of(1, 4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-07c", "TX-206", "what needs a transaction joins the one that is running", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                db.execute(
                                        TxOptions.none().propagation(Propagation.MANDATORY),
                                        inner -> insert(inner, table, 1));
                                throw planned();
                            }));
                            equal(List.of(), run.ids(table), "committed rows");
                        }));
    }

    private static List<ConformanceCase> found() {
        return List.of(
                ConformanceCase.of(
                        "NST-17",
                        "TX-222",
                        "a joined scope inherits what it leaves open, and can only be stricter",
                        run -> {
                            Transactor db = run.transactor();
                            Duration hour = Duration.ofHours(1);
                            TxOptions options = TxOptions.none().label("root").wholeTimeout(hour);
                            db.execute(options, tx -> {
                                db.execute(
                                        inner -> equal(options, inner.options(), "options of one that asks nothing"));
                                db.execute(
                                        TxOptions.none().label("inner").wholeTimeout(hour.multipliedBy(2)),
                                        inner -> equal(
                                                options.label("inner"), inner.options(), "options of a looser one"));
                                db.execute(
                                        TxOptions.none().wholeTimeout(hour.dividedBy(2)),
                                        inner -> equal(
                                                options.wholeTimeout(hour.dividedBy(2)),
                                                inner.options(),
                                                "options of a stricter one"));
                                equal(options, tx.options(), "options of the root");
                            });
                        }),
                ConformanceCase.of(
                        "NST-18", "TX-225", "a library that is given a data source works in the transaction", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            DataSource ambient = db.asDataSource();
                            thrownBy(() -> db.execute(tx -> {
                                through(ambient, "insert into " + table + " (id, v) values (1, 0)");
                                through(tx.asDataSource(), "insert into " + table + " (id, v) values (2, 0)");
                                equal(2, ints(tx, "select id from " + table).size(), "rows of the transaction");
                                throw planned();
                            }));
                            equal(List.of(), run.ids(table), "committed rows of the transaction");
                            through(ambient, "insert into " + table + " (id, v) values (3, 0)");
                            equal(List.of(3), run.ids(table), "committed rows outside of one");
                        }),
                ConformanceCase.of(
                        "NST-19",
                        "TX-227",
                        "a default propagation holds for the scopes inside, and other defaults for roots alone",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            TxOptions defaults = TxOptions.none()
                                    .propagation(Propagation.SAVEPOINT)
                                    .label("default");
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(1)).with(defaults));
                            db.execute(TxOptions.none().label("root"), tx -> {
                                insert(tx, table, 1);
                                thrownBy(() -> db.execute(inner -> {
                                    equal("root", inner.options().label(), "the label of the scope inside");
                                    insert(inner, table, 2);
                                    throw planned();
                                }));
                                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                            });
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-20", "TX-224", "where nothing is ambient a scope joins through the handle alone", run -> {
                            String table = run.table();
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(2)).with(Ambient.OFF));
                            thrownBy(() -> db.execute(tx -> {
                                equal(null, db.current(), "the current transaction");
                                db.execute(own -> insert(own, table, 1));
                                equal(List.of(1), run.ids(table), "rows committed by one without the handle");
                                tx.execute(inner -> insert(inner, table, 2));
                                db.executeWithin(tx, () -> equal(tx, db.current(), "the current transaction within"));
                                throw planned();
                            }));
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-21", "TX-226", "a transactor with other defaults shares the running transaction", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Transactor labelled = db.withOptions(options -> options.label("other"));
                            equal("other", labelled.transact(tx -> tx.options().label()), "the label of a root");
                            equal(null, db.transact(tx -> tx.options().label()), "the label of a root without it");
                            thrownBy(() -> db.execute(tx -> {
                                equal(tx, labelled.current(), "the current transaction");
                                labelled.execute(inner -> insert(inner, table, 1));
                                throw planned();
                            }));
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-22",
                        "TX-226",
                        "a repository that is bound works in the transaction it is made for",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                db.<Tx>binding(scope -> scope).transact((inner, bound) -> {
                                    insert(bound, table, 1);
                                    return "done";
                                });
                                insert(tx.<Tx>bind(scope -> scope), table, 2);
                                equal(2, ints(tx, "select id from " + table).size(), "rows of the transaction");
                                throw planned();
                            }));
                            equal(List.of(), run.ids(table), "committed rows");
                        }));
    }

    private static void through(DataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    /** A pool that counts. */
    static ScriptedDataSource scripted(CaseRun run) throws SQLException {
        return new ScriptedDataSource(
                run.database().sessions(),
                Autocommit.ON,
                run.database().dialect().port(),
                List.of());
    }
}
