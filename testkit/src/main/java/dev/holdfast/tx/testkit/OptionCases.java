package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What is asked of a transaction, and where it is refused (OPT). */
final class OptionCases {
    private static final TxOption<String> STRANGE = TxOption.of("strange.option", String.class);

    private static final Map<Isolation, Integer> JDBC_LEVELS = Map.of(
            Isolation.READ_UNCOMMITTED, Connection.TRANSACTION_READ_UNCOMMITTED,
            Isolation.READ_COMMITTED, Connection.TRANSACTION_READ_COMMITTED,
            Isolation.REPEATABLE_READ, Connection.TRANSACTION_REPEATABLE_READ,
            Isolation.SERIALIZABLE, Connection.TRANSACTION_SERIALIZABLE);

    private OptionCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of("OPT-04", "the level of a running transaction cannot be changed", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                        insert(tx, table, 1);
                        Connection connection = tx.connection();
                        JDBC_LEVELS.forEach((level, number) -> {
                            Throwable seen = thrownBy(() -> connection.setTransactionIsolation(number));
                            if (level == Isolation.SERIALIZABLE) {
                                equal(null, seen, "what the level in force raises");
                            } else {
                                equal(TxStateException.class, causeOf(seen), "the cause of the refusal of " + level);
                            }
                        });
                        equal(
                                List.of(1),
                                ints(tx, "select id from " + table),
                                "rows of the transaction, which goes on");
                    });
                }),
                ConformanceCase.of(
                        "OPT-05", "a scope that asks for a stronger level is rejected, any other joins", run -> {
                            Transactor db = run.transactor();
                            Profile profile = run.database().dialect().typicalProfile();
                            for (Isolation running : profile.levels().keySet()) {
                                for (Isolation asked : profile.levels().keySet()) {
                                    join(db, profile, running, asked);
                                }
                            }
                        }),
                ConformanceCase.of("OPT-07", "a limit of zero, below zero or beyond all clocks is refused", run -> {
                    TxOptions none = TxOptions.none();
                    for (Duration limit :
                            List.of(Duration.ZERO, Duration.ofMillis(-1), Duration.ofSeconds(Long.MAX_VALUE))) {
                        throwing(IllegalArgumentException.class, () -> none.acquireTimeout(limit));
                        throwing(IllegalArgumentException.class, () -> none.lockTimeout(limit));
                        throwing(IllegalArgumentException.class, () -> none.statementTimeout(limit));
                        throwing(IllegalArgumentException.class, () -> none.wholeTimeout(limit));
                    }
                }),
                ConformanceCase.of(
                        "OPT-10",
                        "an option that the dialect does not know is refused before anything is sent",
                        run -> {
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            TxOptions strange = TxOptions.none().with(STRANGE, "x");
                            calls.play(null);
                            TxUnsupportedException told = throwing(
                                    TxUnsupportedException.class,
                                    () -> db.execute(strange, tx -> insert(tx, "nowhere", 1)));
                            String message = String.valueOf(told.getMessage());
                            holds(() -> message.contains("strange.option"), "the option is named: " + message);
                            for (TxOption<?> known :
                                    run.database().dialect().typicalProfile().options()) {
                                holds(() -> message.contains(known.name()), known + " is told as known: " + message);
                            }
                            throwing(TxUnsupportedException.class, () -> db.explain(strange));
                            throwing(TxUnsupportedException.class, () -> db.begin(strange));
                            equal(List.of(), calls.calls(), "calls of the driver");
                        }),
                ConformanceCase.of("OPT-11", "what a joined scope cannot have is refused, not dropped", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(tx -> {
                        insert(tx, table, 1);
                        for (TxOptions asked : List.of(
                                TxOptions.none().acquireTimeout(Duration.ofSeconds(1)),
                                TxOptions.none().readOnly(),
                                TxOptions.none().forceRollback(),
                                TxOptions.none().verifiable(),
                                TxOptions.none().with(STRANGE, "x"))) {
                            throwing(TxException.class, () -> db.execute(asked, inner -> insert(inner, table, 2)));
                        }
                        insert(tx, table, 3);
                    });
                    equal(List.of(1, 3), run.ids(table), "committed rows");
                }),
                ConformanceCase.of("OPT-13", "a scope sees the options in force, inherited ones included", run -> {
                    Transactor db = run.transactor(
                            EngineSetup.on(run.pool(1)).with(TxOptions.none().label("default")));
                    db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                        equal(TxOptions.of(Isolation.SERIALIZABLE).label("default"), tx.options(), "of the root");
                        db.execute(TxOptions.none().label("inner"), inner -> {
                            equal(Isolation.SERIALIZABLE, inner.options().isolation(), "the level of a joined scope");
                            equal("inner", inner.options().label(), "the label of a joined scope");
                        });
                    });
                }));
    }

    private static @Nullable Class<?> causeOf(@Nullable Throwable seen) {
        Throwable cause = seen instanceof SQLException ? seen.getCause() : null;
        return cause == null ? null : cause.getClass();
    }

    private static void join(Transactor db, Profile profile, Isolation running, Isolation asked) {
        IsolationModel has = Objects.requireNonNull(profile.model(running));
        IsolationModel wants = Objects.requireNonNull(profile.model(asked));
        Throwable seen = thrownBy(() -> db.execute(TxOptions.of(running), tx -> {
            Throwable refusal = thrownBy(() -> db.execute(TxOptions.of(asked), inner -> {}));
            equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only after " + asked + " in " + running);
            if (refusal != null) {
                throw Facts.sneaky(refusal);
            }
        }));
        if (has.isAtLeast(wants)) {
            equal(null, seen, asked + " in " + running);
        } else {
            equal(TxRejectedException.class, seen == null ? null : seen.getClass(), asked + " in " + running);
            String message = String.valueOf(Objects.requireNonNull(seen).getMessage());
            holds(() -> message.contains(asked.name()) && message.contains(running.name()), "both named: " + message);
        }
    }
}
