package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a database does not claim must be refused: the other side of each case that needs something. The refusal comes
 * from the call that asked, before a connection is taken or a statement sent and without the body having run; it is not
 * tried again; it names what was asked for, the server and what to do instead; and it harms nothing that is running or
 * comes after.
 */
final class Refusals {
    private static final String LABEL = "asked for";
    private static final Duration MOMENT = Duration.ofNanos(1);

    private final String what;
    private final Ask ask;

    private Refusals(String what, Ask ask) {
        this.what = what;
        this.ask = ask;
    }

    /**
     * The refusal of a feature.
     *
     * @throws IllegalArgumentException if nobody can ask for it
     */
    static Refusals of(Feature missing) {
        return new Refusals(missing.name(), Ask.of(missing));
    }

    static Refusals of(Isolation missing) {
        return new Refusals(missing.name(), Ask.of(missing));
    }

    /**
     * Asks for it, and sees that it is refused.
     *
     * @return the words of the refusal
     */
    String show(CaseRun run, ConformanceCase one) throws Exception {
        run.note("refused", what);
        Scene scene = new Scene(run);
        TxUnsupportedException refusal;
        if (ask instanceof Ask.ByScope byScope) {
            refusal = scene.refusesInside(tx -> scene.db.execute(byScope.asked().label(LABEL), scene::body));
            scene.harmsNoTransaction(tx -> scene.db.execute(byScope.asked(), scene::body));
        } else if (ask instanceof Ask.ByLock byLock) {
            refusal = scene.refusesInside(tx -> byLock.in(tx, scene.table));
            scene.harmsNoTransaction(tx -> byLock.in(tx, scene.table));
        } else {
            TxOptions options = ask instanceof Ask.ByName byName
                    ? byName.options(run, byName.constraint())
                    : ((Ask.ByOptions) ask).options();
            refusal = scene.refusesRoot(options);
            scene.harmsNoTransaction(tx -> scene.db.execute(options, scene::body));
            scene.harmsNoTransaction(tx -> scene.db.execute(options.propagation(Propagation.SEPARATE), scene::body));
            if (run.has(Feature.SAVEPOINTS)) {
                scene.harmsNoTransaction(
                        tx -> scene.db.execute(options.propagation(Propagation.SAVEPOINT), scene::body));
            }
        }
        scene.isAsBefore();
        return saysWhatToDo(refusal, run.profile());
    }

    private String saysWhatToDo(TxUnsupportedException refusal, Profile profile) {
        String message = String.valueOf(refusal.getMessage());
        String plain = plain(message);
        for (String word : ask.words(profile)) {
            holds(() -> plain.contains(plain(word)), "the refusal names '" + word + "': " + message);
        }
        holds(() -> message.contains(profile.flavour()), "the refusal names " + profile.flavour() + ": " + message);
        String version = profile.major() + "." + profile.minor();
        holds(() -> message.contains(version), "the refusal names the version, " + version + ": " + message);
        String[] parts = message.split("[:;] ", -1);
        holds(
                () -> parts.length > 1 && parts[parts.length - 1].trim().split("\\s+").length >= 3,
                "the refusal ends with what to do instead, after a colon or a semicolon: " + message);
        equal(LABEL, refusal.label(), "the label of the refusal");
        equal(null, refusal.failure(), "the database error behind a refusal");
        return message.replace("[" + LABEL + "] ", "");
    }

    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    /** Something that is asked inside a transaction. */
    @FunctionalInterface
    private interface Inside {
        void ask(Tx tx) throws Exception;
    }

    /** A database with a pool of one that writes down its use. */
    private static final class Scene {
        final CaseRun run;
        final String table;
        final Transactor db;
        private final SentLog sent = new SentLog();
        private final List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
        private final AtomicInteger bodies = new AtomicInteger();
        private int rows;

        Scene(CaseRun run) throws Exception {
            this.run = run;
            this.table = run.table();
            this.db = run.transactor(EngineSetup.on(sent.of(run.pool(1))).with(events::add));
        }

        void body(Tx tx) throws Exception {
            bodies.incrementAndGet();
            insert(tx, table, -1);
        }

        private static TxOptions persistent(TxOptions options) {
            return options.retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT))
                    .label(LABEL);
        }

        /** Each way into a root refuses these options. */
        TxUnsupportedException refusesRoot(TxOptions options) {
            quiet();
            TxUnsupportedException refusal =
                    throwing(TxUnsupportedException.class, () -> db.execute(persistent(options), this::body));
            throwing(TxUnsupportedException.class, () -> db.begin(options));
            throwing(TxUnsupportedException.class, () -> db.explain(options));
            throwing(TxUnsupportedException.class, () -> db.withOptions(none -> options));
            nothingHappened();
            equal(List.of(), List.copyOf(events), "events");
            return refusal;
        }

        /** A scope that has sent nothing yet is refused this, and what it throws is not tried again. */
        TxUnsupportedException refusesInside(Inside asking) {
            quiet();
            AtomicInteger attempts = new AtomicInteger();
            List<Throwable> seen = new ArrayList<>();
            Throwable told = thrownBy(() -> db.execute(persistent(TxOptions.none()), tx -> {
                attempts.incrementAndGet();
                Throwable thrown = thrownBy(() -> asking.ask(tx));
                if (thrown != null) {
                    seen.add(thrown);
                    throw Facts.sneaky(thrown);
                }
            }));
            Throwable first = seen.isEmpty() ? null : seen.get(0);
            if (!(first instanceof TxUnsupportedException refusal)) {
                throw new AssertionError(
                        "expected a TxUnsupportedException where it was asked for, but saw " + first, first);
            }
            equal(refusal, told, "what the caller is told");
            equal(1, attempts.get(), "attempts");
            nothingHappened();
            for (TxEvent event : List.copyOf(events)) {
                equal(TxEvent.Ended.class, event.getClass(), "the kind of " + event);
            }
            return refusal;
        }

        /** A transaction that has written is asked, refuses, sends nothing for it, goes on and commits. */
        void harmsNoTransaction(Inside asking) throws Exception {
            int before = ++rows;
            int after = ++rows;
            db.execute(tx -> {
                insert(tx, table, before);
                quiet();
                throwing(TxUnsupportedException.class, () -> asking.ask(tx));
                nothingHappened();
                equal(List.of(), List.copyOf(events), "events");
                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                equal(tx, Objects.requireNonNull(db.current(), "the ambient transaction"), "the ambient transaction");
                insert(tx, table, after);
            });
        }

        /** What came after a refusal works, and nothing of what was refused is there. */
        void isAsBefore() throws Exception {
            int last = ++rows;
            db.execute(tx -> insert(tx, table, last));
            List<Integer> all = new ArrayList<>();
            for (int row = 1; row <= rows; row++) {
                all.add(row);
            }
            equal(all, run.ids(table), "committed rows");
        }

        private void quiet() {
            sent.clear();
            events.clear();
            bodies.set(0);
        }

        private void nothingHappened() {
            equal(List.of(), sent.lines(), "connections taken and statements sent");
            equal(0, bodies.get(), "bodies run");
        }
    }
}
