package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/** Transactions whose COMMIT was sent and not answered: what hooks and retries make of them (HOK, RTY). */
final class UnknownCases {
    private static final Duration MOMENT = Duration.ofNanos(1);

    /** So that it depends on no dialect whether an error would be retried. */
    private static final RetryPolicy ON_EVERYTHING =
            RetryPolicy.attempts(3).on(FailureKind.OTHER, FailureKind.values()).backoff(MOMENT, MOMENT);

    private UnknownCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "HOK-10", "TX-907", "when it is not known how it ended, only hooks for any end fire", run -> {
                            Lost lost = new Lost(run, TxOptions.none());
                            for (IntFunction<Fault> fault : LOSSES) {
                                List<String> log = new ArrayList<>();
                                lost.losing(fault);
                                throwing(
                                        TxOutcomeUnknownException.class,
                                        () -> lost.db.execute(tx -> {
                                            insert(tx, lost.table, 1);
                                            HookCases.registerAll(tx, log);
                                        }));
                                lost.hasFired();
                                equal(List.of("before commit", "Unknown"), log, "hooks that fired");
                            }
                        }),
                ConformanceCase.of(
                        "RTY-08",
                        "TX-1006",
                        "what may be committed is not run again, whether it is there or not",
                        run -> {
                            TxOptions options = TxOptions.none().retry(ON_EVERYTHING);
                            Lost lost = new Lost(run, options);
                            for (IntFunction<Fault> fault : LOSSES) {
                                AtomicInteger runs = new AtomicInteger();
                                lost.losing(fault);
                                throwing(
                                        TxOutcomeUnknownException.class,
                                        () -> lost.db.execute(
                                                options, tx -> insert(tx, lost.table, runs.incrementAndGet())));
                                lost.hasFired();
                                equal(1, runs.get(), "runs of the body");
                                holds(
                                        () -> lost.events.stream().noneMatch(TxEvent.Retrying.class::isInstance),
                                        "no retry is told: " + lost.events);
                            }
                        }),
                ConformanceCase.of(
                        "RTY-09",
                        "TX-1007",
                        "a lost commit that can be settled is settled: told if it is there, run again if it is not",
                        Feature.VERIFIABLE,
                        run -> {
                            if (run.database()
                                    .dialect()
                                    .settlement(run.profile())
                                    .isEmpty()) {
                                throw new Untested(
                                        "no answer to a COMMIT can be lost here, so there is nothing to settle");
                            }
                            TxOptions options = TxOptions.none().verifiable().retry(ON_EVERYTHING);
                            Lost lost = new Lost(run, options);
                            AtomicInteger runs = new AtomicInteger();
                            List<String> log = new ArrayList<>();
                            lost.losing(Fault::losingAnswer);
                            lost.db.execute(options, tx -> {
                                insert(tx, lost.table, runs.incrementAndGet());
                                HookCases.registerAll(tx, log);
                            });
                            lost.hasFired();
                            equal(1, runs.get(), "runs of the body, which was committed");
                            equal(List.of("before commit", "Committed", "after commit"), log, "hooks that fired");
                            equal(List.of(1), run.ids(lost.table), "committed rows");
                            lost.losing(Fault::dying);
                            lost.db.execute(options, tx -> insert(tx, lost.table, runs.incrementAndGet()));
                            lost.hasFired();
                            equal(3, runs.get(), "runs of the body, which was not committed the first time");
                            equal(List.of(3), run.ids(lost.table), "committed rows");
                        }));
    }

    /** The answer to COMMIT is lost, or COMMIT itself. */
    private static final List<IntFunction<Fault>> LOSSES = List.of(Fault::losingAnswer, Fault::dying);

    /** A transaction that inserts one row, and whose COMMIT is lost. */
    private static final class Lost {
        final String table;
        final Transactor db;
        final List<TxEvent> events = new ArrayList<>();
        private final CaseRun run;
        private final ScriptedDataSource calls;
        private final TxOptions options;

        Lost(CaseRun run, TxOptions options) throws SQLException {
            this.run = run;
            this.options = options;
            this.table = run.table();
            this.calls = run.closing(NestingCases.scripted(run));
            this.db = run.transactor(EngineSetup.on(calls).with(events::add));
        }

        /** Sees which call commits, and has it lost from now on. */
        void losing(IntFunction<Fault> how) throws SQLException {
            db.execute(options, tx -> insert(tx, table, -1)); // what is done once, or in turn, is done
            calls.play(null);
            db.execute(options, tx -> insert(tx, table, 0));
            int commit = calls.calls().stream()
                    .filter(JdbcCall::isCommit)
                    .mapToInt(JdbcCall::number)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no call commits: " + calls.calls()));
            run.observe("delete from " + table);
            events.clear();
            calls.play(how.apply(commit));
        }

        void hasFired() {
            holds(calls::hasFired, "the commit was lost");
        }
    }
}
