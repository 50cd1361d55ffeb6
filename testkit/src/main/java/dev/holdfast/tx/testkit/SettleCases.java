package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Commits that are lost, and that can be settled (STL): what the caller is told is held against the rows. */
final class SettleCases {
    private static final TxOptions VERIFIABLE = TxOptions.none().verifiable();
    private static final Duration MOMENT = Duration.ofMillis(1);
    private static final TxOptions RETRIED =
            VERIFIABLE.retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT));
    private static final Duration SHORT = Duration.ofSeconds(1);

    /** More packets than any transaction of one row has. */
    private static final int MOST_PACKETS = 60;

    /** What is added to the numbers of packets that are counted from COMMIT on. */
    private static final int FROM_COMMIT = 100;

    /** So many packets that did not come any more are the end: how an answer falls into packets differs a little. */
    private static final int BEYOND = 3;

    /** More packets than any commit message has. */
    private static final int OF_COMMIT = 9;

    private SettleCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(network());
        all.addAll(driver());
        return all;
    }

    // ---- a network that is cut

    private static List<ConformanceCase> network() {
        Needs network = Needs.of(Means.NETWORK).and(Feature.VERIFIABLE);
        return List.of(
                ConformanceCase.of(
                        "STL-01.P",
                        "TX-340",
                        "whatever packet of the server's is lost, a verifiable transaction is told as what it is",
                        network,
                        run -> cutEverywhere(run, VERIFIABLE, true)),
                ConformanceCase.of(
                        "STL-02.P",
                        "TX-340",
                        "whatever packet of the client's is lost, a verifiable transaction is told as what it is",
                        network,
                        run -> cutEverywhere(run, VERIFIABLE, false)),
                ConformanceCase.of(
                        "STL-03.P",
                        "TX-340",
                        "whatever packet is lost, a verifiable transaction that is tried again is done once",
                        network,
                        run -> {
                            cutEverywhere(run, RETRIED, true);
                            cutEverywhere(run, RETRIED, false);
                        }),
                ConformanceCase.of(
                        "STL-04.P",
                        "TX-341",
                        "a server that answers nobody leaves a commit unknown, in time",
                        network,
                        SettleCases::frozen));
    }

    /** Cuts at the first packet after the connection is there, then at the second, and so on, until none is left. */
    private static void cutEverywhere(CaseRun run, TxOptions options, boolean reply) throws Exception {
        Bed bed = new Bed(run);
        List<String> seen = new ArrayList<>();
        boolean retried = options.retry() != null;
        int beyond = 0;
        boolean counting = false;
        for (int packet = 1; ; packet++) {
            boolean ofCommit = counting;
            if (packet > FROM_COMMIT + MOST_PACKETS) {
                throw new Inconclusive("more than " + MOST_PACKETS + " packets: " + seen);
            }
            run.observe("delete from " + bed.table);
            bed.db.execute(VERIFIABLE, tx -> ints(tx, "select id from " + bed.table)); // the connection is there
            int before = bed.proxy.losses();
            AtomicInteger runs = new AtomicInteger();
            AtomicInteger value = new AtomicInteger();
            int armed = ofCommit ? packet - FROM_COMMIT : packet;
            if (!ofCommit) {
                bed.arm(reply, armed);
            }
            Throwable told = thrownBy(() -> value.set(bed.db.transact(options, tx -> {
                insert(tx, bed.table, 1);
                if (ofCommit && runs.get() == 0) {
                    tx.beforeCommit(() -> bed.arm(reply, armed));
                }
                return 40 + runs.incrementAndGet();
            })));
            bed.proxy.disarm();
            List<Integer> rows = run.ids(bed.table);
            if (bed.proxy.losses() == before) {
                equal(null, told, "what is told when nothing was lost");
                if (++beyond < BEYOND) {
                    continue;
                }
                if (ofCommit) {
                    break;
                }
                counting = true; // and now those from COMMIT on: their number does not depend on those before
                packet = FROM_COMMIT;
                beyond = 0;
                continue;
            }
            beyond = 0;
            seen.add(packet + ": "
                    + (told == null ? "committed" : told.getClass().getSimpleName()) + ", rows " + rows + ", runs "
                    + runs);
            if (told instanceof TxOutcomeUnknownException) {
                throw new AssertionError("packet " + packet + " was lost, and it was not settled: " + told, told);
            }
            equal(
                    told == null ? List.of(1) : List.of(),
                    rows,
                    "committed rows after packet " + packet + " was lost and the caller was told " + told);
            equal(told == null ? 40 + runs.get() : 0, value.get(), "the value that is returned");
            if (retried) {
                equal(null, told, "what the caller is told after packet " + packet + " was lost");
            }
        }
        run.note("packets of " + (reply ? "the server" : "the client") + " that were lost", seen);
        if (seen.isEmpty()) {
            throw new Inconclusive("nothing was lost");
        }
        String settled = reply || retried ? "committed" : TxRolledBackException.class.getSimpleName();
        holds(() -> seen.stream().anyMatch(one -> one.contains(settled)), "one of them was settled: " + seen);
    }

    /** Loses the first answer of the commit message; where that is not the one to COMMIT, the next, and so on. */
    private static void frozen(CaseRun run) throws Exception {
        for (int reply = 1; reply <= OF_COMMIT; reply++) {
            if (frozenAt(run, new Bed(run), reply)) {
                return;
            }
        }
        throw new Inconclusive("no answer to COMMIT was lost");
    }

    /** Whether it was the answer to COMMIT that was lost. */
    private static boolean frozenAt(CaseRun run, Bed bed, int reply) throws Exception {
        long begun = System.nanoTime();
        CompletableFuture<@Nullable Throwable> told =
                Threads.supply(() -> thrownBy(() -> bed.db.execute(VERIFIABLE, tx -> {
                    insert(tx, bed.table, 1);
                    tx.beforeCommit(() -> {
                        bed.proxy.cutAtReply(reply);
                        bed.afterLoss = bed.proxy::freeze;
                    });
                })));
        Throwable seen = told.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
        bed.afterLoss = () -> {};
        bed.proxy.thaw();
        if (seen instanceof TxRolledBackException) {
            return false; // the server had not been asked to commit
        }
        run.note("lasted", lasted);
        holds(() -> seen instanceof TxOutcomeUnknownException, "it is told as unknown: " + seen);
        holds(
                () -> String.valueOf(seen == null ? null : seen.getMessage()).contains("could not be settled"),
                "it is said that it was tried: " + seen);
        equal(List.of(1), run.ids(bed.table), "committed rows");
        Await.met(
                "the next transaction is served",
                () -> thrownBy(() -> bed.db.execute(VERIFIABLE, tx -> insert(tx, bed.table, 2))) == null);
        equal(List.of(1, 2), run.ids(bed.table), "committed rows");
        return true;
    }

    /** A transactor on a pool whose connections go through a proxy. */
    private static final class Bed {
        final String table;
        final CountingProxy proxy;
        final Transactor db;
        /** What is done before the next connection is opened. */
        volatile Runnable afterLoss = () -> {};

        Bed(CaseRun run) throws SQLException {
            table = run.table();
            Network network = run.database().network().orElseThrow(() -> new Untested(Means.NETWORK.whyNot()));
            proxy = run.closing(CountingProxy.before(network.host(), network.port()));
            DataSource sessions = network.sessions().apply("localhost", proxy.port());
            DataSource told = JdbcProxy.of(DataSource.class, "told", (self, method, arguments) -> {
                if (method.getName().equals("getConnection")) {
                    afterLoss.run();
                }
                return JdbcProxy.call(sessions, method, arguments);
            });
            KeptSession kept = run.closing(new KeptSession(told, Duration.ZERO));
            db = run.transactor(EngineSetup.on(kept.dataSource()).settlingWithin(SHORT.multipliedBy(5)));
            db.execute(VERIFIABLE, tx -> ints(tx, "select id from " + table));
        }

        void arm(boolean reply, int packet) {
            if (reply) {
                proxy.cutAtReply(packet);
            } else {
                proxy.cutAtPacket(packet);
            }
        }
    }

    // ---- a driver that is told what to lose

    private static List<ConformanceCase> driver() {
        Needs verifiable = Needs.of(Feature.VERIFIABLE);
        return List.of(
                ConformanceCase.of(
                        "STL-05.W",
                        "TX-342",
                        "a COMMIT that arrives after the caller was told changes nothing of what he was told",
                        verifiable,
                        run -> {
                            Held held = new Held(run, SHORT);
                            Throwable told = thrownBy(() -> held.db.execute(VERIFIABLE, held::insertOne));
                            held.hasFired();
                            Throwable late = held.calls.release();
                            run.note("the caller was told", String.valueOf(told));
                            run.note("COMMIT was answered with", String.valueOf(late));
                            holds(() -> told != null, "it is told that something happened");
                            held.isTrue(told);
                        }),
                ConformanceCase.of(
                        "STL-06.W",
                        "TX-342",
                        "a COMMIT that arrives while it is being settled is told as what became of it",
                        verifiable,
                        run -> {
                            Held held = new Held(run, Patience.step());
                            CompletableFuture<@Nullable Throwable> telling =
                                    Threads.supply(() -> thrownBy(() -> held.db.execute(VERIFIABLE, held::insertOne)));
                            Await.met("it is asked for", () -> telling.isDone() || held.isAsked());
                            Throwable late = held.calls.release();
                            Throwable told = telling.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                            held.hasFired();
                            run.note("the caller was told", String.valueOf(told));
                            run.note("COMMIT was answered with", String.valueOf(late));
                            holds(() -> !(told instanceof TxOutcomeUnknownException), "it is settled: " + told);
                            held.isTrue(told);
                        }),
                ConformanceCase.of(
                        "STL-07",
                        "TX-343",
                        "a table that is missing is told at once, with the statement that makes it",
                        verifiable,
                        run -> {
                            MarkerTable markers = markers(run);
                            String table = run.table();
                            run.observe("drop table " + markers.name());
                            run.closing(() -> makeAgain(run, markers));
                            Transactor db = run.transactor();
                            AtomicInteger done = new AtomicInteger();
                            Throwable told = thrownBy(() -> db.execute(VERIFIABLE, tx -> {
                                insert(tx, table, 1);
                                done.incrementAndGet();
                            }));
                            equal(0, done.get(), "statements that were done");
                            holds(
                                    () -> told != null
                                            && String.valueOf(told.getMessage()).contains(markers.ddl()),
                                    "the caller is told what to run: " + told);
                            equal(List.of(), run.ids(table), "committed rows");
                            run.observe(markers.ddl());
                            db.execute(VERIFIABLE, tx -> insert(tx, table, 2));
                            equal(List.of(2), run.ids(table), "committed rows when it is there");
                        }),
                ConformanceCase.of(
                        "STL-08", "TX-344", "rows that nobody needs any more are deleted", verifiable, run -> {
                            MarkerTable markers = markers(run);
                            String table = run.table();
                            run.observe("delete from " + markers.name());
                            Transactor db = run.transactor();
                            for (int id = 1; id <= 10; id++) {
                                int next = id;
                                db.execute(VERIFIABLE, tx -> insert(tx, table, next));
                                thrownBy(() -> db.execute(VERIFIABLE, tx -> {
                                    insert(tx, table, 100 + next);
                                    throw new IllegalStateException("planned");
                                }));
                            }
                            String count = "select count(*) from " + markers.name();
                            equal(List.of(1), run.observed(count), "rows after ten commits, one after the other");
                            db.close();
                            equal(List.of(0), run.observed(count), "rows after the transactor was closed");
                        }),
                ConformanceCase.of(
                        "STL-09",
                        "TX-340",
                        "a session that is killed before its COMMIT is settled as rolled back, and tried again",
                        verifiable.and(Means.KILL),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            KillSwitch kill = new KillSwitch(run);
                            Throwable told = thrownBy(() -> db.execute(VERIFIABLE, tx -> {
                                insert(tx, table, 1);
                                tx.beforeCommit(() -> kill.session(tx));
                            }));
                            holds(
                                    () -> told instanceof TxRolledBackException rolledBack
                                            && rolledBack.outcome().reason() == Outcome.Reason.COMMIT_REFUSED,
                                    "it is told as rolled back: " + told);
                            equal(List.of(), run.ids(table), "committed rows");
                            AtomicInteger runs = new AtomicInteger();
                            db.execute(RETRIED, tx -> {
                                insert(tx, table, 1);
                                if (runs.incrementAndGet() == 1) {
                                    tx.beforeCommit(() -> kill.session(tx));
                                }
                            });
                            equal(2, runs.get(), "runs of the body");
                            equal(List.of(1), run.ids(table), "committed rows");
                        }));
    }

    private static MarkerTable markers(CaseRun run) {
        MarkerTable markers = run.database()
                .dialect()
                .settlement(run.profile())
                .map(Settlement::markers)
                .orElse(null);
        if (markers == null) {
            throw new Untested("no table is needed to settle a commit here");
        }
        return markers;
    }

    private static void makeAgain(CaseRun run, MarkerTable markers) throws SQLException {
        try {
            run.observed("select count(*) from " + markers.name());
        } catch (SQLException notThere) {
            run.observe(markers.ddl());
        }
    }

    /** Ends sessions from outside, as the dialect says. */
    private record KillSwitch(CaseRun run) {
        void session(Tx tx) throws SQLException {
            String question = String.valueOf(run.hooks().sessionId());
            String kill = String.valueOf(run.hooks().kill());
            List<Integer> session = ints(tx, question);
            run.observe(kill.replace("{session}", String.valueOf(session.get(0))));
        }
    }

    /** A transaction that inserts one row, and whose COMMIT is on its way when the caller believes that it is lost. */
    private static final class Held {
        final Transactor db;
        final ScriptedDataSource calls;
        private final CaseRun run;
        private final String table;

        Held(CaseRun run, Duration settleWithin) throws SQLException {
            this.run = run;
            this.table = run.table();
            this.calls = run.closing(NestingCases.scripted(run));
            this.db = run.transactor(EngineSetup.on(calls).settlingWithin(settleWithin));
            db.execute(VERIFIABLE, this::insertOne); // what is done once, or in turn, is done
            run.observe("delete from " + table);
            calls.play(null);
            db.execute(VERIFIABLE, this::insertOne);
            run.observe("delete from " + table);
            int commit = calls.calls().stream()
                    .filter(JdbcCall::isCommit)
                    .mapToInt(JdbcCall::number)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no call commits: " + calls.calls()));
            calls.play(Fault.held(commit));
        }

        void insertOne(Tx tx) throws SQLException {
            insert(tx, table, 1);
        }

        /** Whether the server is being asked, on another connection. */
        boolean isAsked() {
            return calls.calls().stream()
                    .anyMatch(call -> call.connection() > 1 && call.text().startsWith("execute"));
        }

        void hasFired() {
            holds(calls::hasFired, "the commit was held");
        }

        /** What the caller was told is what the rows say, now that nothing is on its way any more. */
        void isTrue(@Nullable Throwable told) throws SQLException {
            List<Integer> rows = run.ids(table);
            if (!(told instanceof TxOutcomeUnknownException)) {
                equal(told == null ? List.of(1) : List.of(), rows, "committed rows when the caller was told " + told);
            }
        }
    }
}
