package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
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
        return all;
    }

    private static boolean hasSingleWriter(CaseRun run) {
        return run.database().dialect().typicalProfile().has(Feature.SINGLE_WRITER);
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    private static List<ConformanceCase> joining() {
        return List.of(
                ConformanceCase.of("NST-01", "a scope in a scope joins: one connection, and one commit", run -> {
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
                    equal(1L, calls.calls().stream().filter(JdbcCall::isCommit).count(), "commits sent");
                    equal(List.of(1, 2, 3), run.ids(table), "committed rows");
                }),
                ConformanceCase.of(
                        "NST-02", "a joined scope that failed is not forgotten when its error is caught", run -> {
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
                        "NST-10b", "a joined scope that asks for the rollback has the owner told of it", run -> {
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
                ConformanceCase.of("NST-12", "after a scope that failed the one around it is current again", run -> {
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
                ConformanceCase.of("NST-08", "work outside runs without the transaction, which then goes on", run -> {
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

    private static List<ConformanceCase> separate() {
        return List.of(
                ConformanceCase.of(
                        "NST-03", "a scope of its own that was committed survives the rollback around it", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            thrownBy(() -> db.execute(tx -> {
                                if (!hasSingleWriter(run)) {
                                    insert(tx, table, 1);
                                }
                                db.execute(SEPARATE, own -> insert(own, table, 2));
                                equal(List.of(2), run.observed("select id from " + table + " where id = 2"), "seen");
                                insert(tx, table, 3);
                                throw planned();
                            }));
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-03b", "a scope of its own that fails, caught, leaves the one around it unharmed", run -> {
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
                        "where one transaction can write at a time, one of its own inside it is refused at once",
                        Feature.SINGLE_WRITER,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                rejection(thrownBy(() -> db.execute(SEPARATE, own -> insert(own, table, 2))));
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-04",
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
                ConformanceCase.of("NST-07", "what needs a transaction is rejected without one", run -> {
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
                ConformanceCase.of("NST-07b", "a scope that is rejected runs nothing and poisons nothing", run -> {
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
                                () -> db.execute(TxOptions.none().forceRollback(), inner -> insert(inner, table, 3)));
                        equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                        insert(tx, table, 4);
                    });
                    equal(List.of(1, 4), run.ids(table), "committed rows");
                }),
                ConformanceCase.of("NST-07c", "what needs a transaction joins the one that is running", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    thrownBy(() -> db.execute(tx -> {
                        db.execute(
                                TxOptions.none().propagation(Propagation.MANDATORY), inner -> insert(inner, table, 1));
                        throw planned();
                    }));
                    equal(List.of(), run.ids(table), "committed rows");
                }));
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
