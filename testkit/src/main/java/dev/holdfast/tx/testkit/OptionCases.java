package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import dev.holdfast.tx.testkit.fault.SessionSnapshot;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What is asked of a transaction, and where it is refused (OPT). */
final class OptionCases {
    private static final TxOption<String> STRANGE = TxOption.of("strange.option", String.class);

    private static final Duration AGES = Duration.ofMinutes(10);
    private static final Duration MOMENT = Duration.ofNanos(1);

    private OptionCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        for (Isolation level : Isolation.values()) {
            all.addAll(at(level));
        }
        all.addAll(levels());
        all.addAll(limits());
        all.addAll(dialectOptions());
        all.addAll(inForce());
        return all;
    }

    /** A pool of one whose connection can be looked at past the engine. */
    private static final class Watched {
        /** Below the pool: some pools throw away a session that refused a question. */
        private final SentLog sent = new SentLog();

        final Transactor db;
        final String query;
        private final CaseRun run;

        Watched(CaseRun run, UnaryOperator<DataSource> change) throws SQLException {
            this.run = run;
            this.query = "select id from " + run.table();
            DataSource pool = run.pool(sent.of(run.sessions()), 1, Autocommit.ON);
            this.db = run.transactor(EngineSetup.on(change.apply(pool)));
        }

        Watched(CaseRun run) throws SQLException {
            this(run, pool -> pool);
        }

        Connection session() {
            return sent.last();
        }

        /** What the session is inside a transaction that has asked something. */
        SessionSnapshot inside(TxOptions options) {
            return db.transact(options, tx -> {
                ints(tx, query);
                return look();
            });
        }

        SessionSnapshot look() throws SQLException {
            return SessionSnapshot.of(
                    session(), run.database().dialect().port(), run.database().sessionQueries());
        }
    }

    /** But for how long the driver waits: what is left of the whole timeout is less each time. */
    private static List<String> differences(SessionSnapshot first, SessionSnapshot later) {
        return first.differencesTo(later).stream()
                .filter(difference -> !difference.startsWith("network timeout"))
                .toList();
    }

    // ---- levels

    private static List<ConformanceCase> at(Isolation level) {
        return List.of(
                ConformanceCase.of("OPT-01", "TX-102", "the server itself reports the level", Needs.of(level), run -> {
                    Watched one = new Watched(run);
                    one.db.execute(TxOptions.of(level), tx -> {
                        ints(tx, one.query);
                        Levels.requireReported(run, one.session(), level);
                    });
                }),
                ConformanceCase.of(
                        "OPT-02",
                        "TX-103",
                        "the level has gone with its transaction, whichever way it ended",
                        Needs.of(level),
                        run -> {
                            Watched one = new Watched(run);
                            SessionSnapshot before = one.inside(TxOptions.none());
                            one.inside(TxOptions.of(level));
                            equal(
                                    List.of(),
                                    before.differencesTo(one.inside(TxOptions.none())),
                                    "other than before in the transaction after one that committed");
                            one.inside(TxOptions.of(level).forceRollback());
                            equal(
                                    List.of(),
                                    before.differencesTo(one.inside(TxOptions.none())),
                                    "other than before in the transaction after one that was rolled back");
                            one.db.execute(TxOptions.of(level), tx -> {}); // no connection is taken
                            equal(
                                    List.of(),
                                    before.differencesTo(one.inside(TxOptions.none())),
                                    "other than before in the transaction after an empty one");
                        }),
                ConformanceCase.of(
                        "OPT-03",
                        "TX-102",
                        "the level is in force on a connection on which the pool ran a query before",
                        Needs.of(level),
                        run -> {
                            String table = run.table();
                            List<String> validated = new ArrayList<>();
                            Watched one = new Watched(
                                    run,
                                    pool -> Wrapped.with(DataSource.class, pool, (method, answer) -> {
                                        if (answer instanceof Connection connection) {
                                            validated.add(method);
                                            validate(connection, table);
                                        }
                                        return answer;
                                    }));
                            validated.clear();
                            for (int i = 0; i < 2; i++) {
                                one.db.execute(TxOptions.of(level), tx -> {
                                    ints(tx, one.query);
                                    Levels.requireReported(run, one.session(), level);
                                });
                            }
                            equal(2, validated.size(), "connections validated");
                        }));
    }

    private static void validate(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select count(*) from " + table)) {
            equal(true, row.next(), "whether the pool's query has a row");
        }
    }

    private static List<ConformanceCase> levels() {
        return List.of(
                ConformanceCase.of(
                        "OPT-06", "TX-104", "a transaction that asks for no level has the declared default", run -> {
                            Isolation byDefault = run.profile().defaultIsolation();
                            Watched one = new Watched(run);
                            one.db.execute(tx -> {
                                ints(tx, one.query);
                                Levels.requireReported(run, one.session(), byDefault);
                                equal(null, tx.options().isolation(), "the level among the options in force");
                            });
                            run.note("default level", byDefault);
                            one.db.execute(tx -> one.db.execute(TxOptions.of(byDefault), inner -> {})); // and it joins
                        }),
                ConformanceCase.of("OPT-04", "TX-105", "the level of a running transaction cannot be changed", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    Isolation running = run.profile().levels().keySet().stream()
                            .filter(Levels.IN_JDBC::containsKey)
                            .max(Isolation::compareTo)
                            .orElseThrow();
                    db.execute(TxOptions.of(running), tx -> {
                        insert(tx, table, 1);
                        Connection connection = tx.connection();
                        Levels.IN_JDBC.forEach((level, number) -> {
                            Throwable seen = thrownBy(() -> connection.setTransactionIsolation(number));
                            if (level == running) {
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
                        "OPT-05",
                        "TX-106",
                        "a scope that asks for a stronger level is rejected, any other joins",
                        run -> {
                            Transactor db = run.transactor();
                            Profile profile = run.profile();
                            for (Isolation running : profile.levels().keySet()) {
                                for (Isolation asked : profile.levels().keySet()) {
                                    join(db, profile, running, asked);
                                }
                            }
                        }));
    }

    // ---- limits

    private static List<ConformanceCase> limits() {
        return List.of(ConformanceCase.of(
                "OPT-08", "TX-107", "a limit that is not reached leaves nothing behind", run -> {
                    TxOptions limits = TxOptions.none().acquireTimeout(AGES).wholeTimeout(AGES);
                    if (run.has(Feature.LOCK_TIMEOUT)) {
                        limits = limits.lockTimeout(AGES);
                    }
                    if (run.has(Feature.STATEMENT_TIMEOUT)) {
                        limits = limits.statementTimeout(AGES);
                    }
                    TxOptions all = limits;
                    String table = run.table();
                    Watched one = new Watched(run);
                    SessionSnapshot before = one.inside(TxOptions.none());
                    one.db.execute(all, tx -> insert(tx, table, 1));
                    throwing(
                            IllegalStateException.class,
                            () -> one.db.execute(all, tx -> {
                                insert(tx, table, 2);
                                throw new IllegalStateException("planned");
                            }));
                    equal(
                            List.of(),
                            before.differencesTo(one.inside(TxOptions.none())),
                            "other than before in the transaction afterwards");
                    equal(false, Thread.interrupted(), "whether the thread was interrupted");
                    equal(List.of(1), run.ids(table), "committed rows");
                }));
    }

    // ---- the options of dialects

    private static List<ConformanceCase> dialectOptions() {
        return List.of(
                ConformanceCase.of(
                        "OPT-14",
                        "TX-101",
                        "each option of the dialect's own is taken, and changes what is sent",
                        run -> {
                            if (run.profile().options().isEmpty()) {
                                run.note("options", "the dialect has none of its own here");
                                run.characterised();
                                return;
                            }
                            Watched one = new Watched(run);
                            int shown = 0;
                            for (TxOption<?> option : run.profile().options()) {
                                List<TxOptions> values = OptionSets.with(option);
                                if (values.isEmpty()) {
                                    run.note(option.name(), "not shown: no value can be guessed for it");
                                    continue;
                                }
                                requireEffect(run, one, option, values);
                                shown++;
                            }
                            if (shown == 0) {
                                throw new Untested("no value can be guessed for any of "
                                        + run.profile().options());
                            }
                        }),
                ConformanceCase.of(
                        "OPT-10",
                        "TX-108",
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
                            for (TxOption<?> known : run.profile().options()) {
                                holds(() -> message.contains(known.name()), known + " is told as known: " + message);
                            }
                            throwing(TxUnsupportedException.class, () -> db.explain(strange));
                            throwing(TxUnsupportedException.class, () -> db.begin(strange));
                            equal(List.of(), calls.calls(), "calls of the driver");
                        }));
    }

    /** In one surrounding at least, one value is given, and is not what is sent anyhow. */
    private static void requireEffect(CaseRun run, Watched one, TxOption<?> option, List<TxOptions> values) {
        List<TxOptions> surroundings =
                new ArrayList<>(List.of(TxOptions.none(), TxOptions.none().readOnly()));
        for (Isolation level : run.profile().levels().keySet()) {
            surroundings.add(TxOptions.of(level));
            surroundings.add(TxOptions.of(level).readOnly());
        }
        Dialect dialect = run.database().dialect();
        List<TxOptions> given = new ArrayList<>();
        List<TxOptions> effective = new ArrayList<>();
        for (TxOptions around : surroundings) {
            String without = OptionSets.planned(dialect, run.profile(), around)
                    .map(TxPlan::describe)
                    .orElse("");
            for (TxOptions value : values) {
                TxOptions asked = around.overlay(value);
                OptionSets.planned(dialect, run.profile(), asked).ifPresent(plan -> {
                    one.db.execute(asked, tx -> ints(tx, one.query));
                    given.add(asked);
                    if (!plan.describe().equals(without)) {
                        effective.add(asked);
                    }
                });
            }
        }
        holds(() -> !given.isEmpty(), option + " is declared, so one of " + values + " is given somewhere");
        holds(() -> !effective.isEmpty(), "one of " + given + " changes what is sent");
        run.note(option.name(), "first changes something as " + effective.get(0));
    }

    // ---- what is in force

    private static List<ConformanceCase> inForce() {
        return List.of(
                ConformanceCase.of(
                        "OPT-09", "TX-111", "a label is told to listeners and in errors, and never sent", run -> {
                            SentLog sent = new SentLog();
                            List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
                            String query = "select id from " + run.table();
                            Transactor db = run.transactor(
                                    EngineSetup.on(sent.of(run.pool(1))).with(events::add));
                            sent.clear();
                            db.execute(tx -> ints(tx, query));
                            List<String> without = sent.lines();
                            sent.clear();
                            events.clear();
                            TxOptions labelled = TxOptions.none().label("payroll");
                            db.execute(labelled, tx -> ints(tx, query));
                            equal(without, sent.lines(), "what is sent");
                            holds(() -> events.size() >= 2, "a beginning and an end are told: " + events);
                            for (TxEvent event : List.copyOf(events)) {
                                equal("payroll", event.label(), "the label of " + event);
                            }
                            TxException told = throwing(
                                    TxException.class,
                                    () -> db.execute(labelled.propagation(Propagation.MANDATORY), tx -> {}));
                            equal("payroll", told.label(), "the label of an error");
                            holds(
                                    () -> String.valueOf(told.getMessage()).contains("payroll"),
                                    "the label is in " + told);
                            IllegalStateException own = new IllegalStateException("the body's own");
                            equal(
                                    own,
                                    thrownBy(() -> db.execute(labelled, tx -> {
                                        throw own;
                                    })),
                                    "the body's own error, which is left as it is");
                        }),
                ConformanceCase.of("OPT-12", "TX-110", "each attempt has the level and the limits asked for", run -> {
                    Isolation level = run.profile().levels().keySet().stream()
                            .filter(one -> one != run.profile().defaultIsolation())
                            .reduce((weaker, stronger) -> stronger)
                            .orElse(run.profile().defaultIsolation());
                    TxOptions asked = TxOptions.of(level)
                            .wholeTimeout(AGES)
                            .retry(RetryPolicy.attempts(3)
                                    .on(FailureKind.UNIQUE)
                                    .backoff(MOMENT, MOMENT));
                    String table = run.table();
                    Watched one = new Watched(run);
                    List<TxOptions> seen = new ArrayList<>();
                    List<SessionSnapshot> sessions = new ArrayList<>();
                    one.db.execute(asked, tx -> {
                        seen.add(tx.options());
                        ints(tx, one.query);
                        Levels.requireReported(run, one.session(), level);
                        sessions.add(one.look());
                        insert(tx, table, 1);
                        if (seen.size() < 3) {
                            insert(tx, table, 1);
                        }
                    });
                    equal(List.of(asked, asked, asked), seen, "options of the attempts");
                    equal(List.of(), differences(sessions.get(0), sessions.get(1)), "other in the second attempt");
                    equal(List.of(), differences(sessions.get(0), sessions.get(2)), "other in the third attempt");
                    equal(List.of(1), run.ids(table), "committed rows");
                }),
                ConformanceCase.of(
                        "OPT-12b",
                        "TX-110",
                        "each attempt of a read-only transaction is read-only",
                        Feature.READ_ONLY,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            RetryPolicy policy = RetryPolicy.attempts(3)
                                    .on(FailureKind.READ_ONLY)
                                    .backoff(MOMENT, MOMENT);
                            List<Throwable> refused = new ArrayList<>();
                            Throwable told = thrownBy(() ->
                                    db.execute(TxOptions.none().readOnly().retry(policy), tx -> {
                                        Throwable refusal = thrownBy(() -> insert(tx, table, refused.size() + 1));
                                        refused.add(refusal == null ? new AssertionError("it may write") : refusal);
                                        throw Facts.sneaky(refused.get(refused.size() - 1));
                                    }));
                            holds(() -> told instanceof SQLException, "a write is refused by the server: " + told);
                            equal(3, refused.size(), "attempts");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "OPT-11", "TX-101", "what a joined scope cannot have is refused, not dropped", run -> {
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
                                    throwing(
                                            TxException.class,
                                            () -> db.execute(asked, inner -> insert(inner, table, 2)));
                                }
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "OPT-13", "TX-109", "a scope sees the options in force, inherited ones included", run -> {
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1))
                                    .with(TxOptions.none().label("default")));
                            Isolation level = run.strongestLevel();
                            db.execute(TxOptions.of(level), tx -> {
                                equal(TxOptions.of(level).label("default"), tx.options(), "of the root");
                                db.execute(TxOptions.none().label("inner"), inner -> {
                                    equal(level, inner.options().isolation(), "the level of a joined scope");
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
        if (has.covers(wants)) {
            equal(null, seen, asked + " in " + running);
        } else {
            equal(TxRejectedException.class, seen == null ? null : seen.getClass(), asked + " in " + running);
            String message = String.valueOf(Objects.requireNonNull(seen).getMessage());
            holds(() -> message.contains(asked.name()) && message.contains(running.name()), "both named: " + message);
        }
    }
}
