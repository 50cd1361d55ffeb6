package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.CaseRun;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Inconclusive;
import dev.holdfast.tx.testkit.Patience;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Has several sessions take steps, each on a thread of its own and in a transaction of its own, in the order in which it
 * is told. A step is done, or found to wait, before the next one is begun; the later steps of a session that waits queue
 * up behind it. A session whose step fails rolls back, and the rest of its steps is dropped.
 *
 * <p>Used by one thread, and closed by the run.
 */
public final class Conductor implements AutoCloseable {
    private static final Duration GLANCE = Duration.ofMillis(5);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(160);
    /** A thread that cannot run says more than a session that says nothing: it is believed after this part of the time. */
    private static final int PARKED = 5;
    /** A server that shows who waits shows it by then; where it does not, its view is not good. */
    private static final Duration SILENT_VIEW = Duration.ofSeconds(2);

    private final CaseRun run;
    private final Pace pace;
    private final String table;
    private final Score score;
    private final Sessions sessions;
    private final Transactor db;
    private final Connection monitor;
    private final LockView view;
    private final Map<String, Lane> lanes = new ConcurrentSkipListMap<>(); // read by the lanes' threads too
    private final Map<String, TxOptions> options = new ConcurrentSkipListMap<>();
    private final TxOptions usual;
    private @Nullable Duration roundTrip;

    private Conductor(CaseRun run, Pace pace, String table, TxOptions usual, int size) throws SQLException {
        this.run = run;
        this.pace = pace;
        this.table = table;
        this.usual = usual;
        this.score = new Score(run.timeline());
        this.sessions = new Sessions(run.hooks().sessionId());
        var pool = run.pool(sessions.remembered(run.database().sessions()), size, Autocommit.ON);
        this.db = run.transactor(EngineSetup.on(sessions.identified(pool)));
        this.monitor = run.closing(run.database().sessions().getConnection());
        this.view = new LockView(pace.lockView() ? run.hooks().isWaiting() : null, monitor);
    }

    /**
     * One for sessions that begin with these options; closed with the run.
     *
     * @param table what <code>{t}</code> stands for
     * @param size how many sessions at the most
     */
    public static Conductor of(CaseRun run, Pace pace, String table, TxOptions usual, int size) throws SQLException {
        return run.closing(new Conductor(run, pace, table, usual, size));
    }

    /** What <code>{t}</code> stands for. */
    public String table() {
        return table;
    }

    /** What the sessions work through. */
    public Transactor db() {
        return db;
    }

    /** The driver's own connection of a session that has begun; null if the pool does not let it be seen. */
    public @Nullable Connection physical(String session) {
        return lane(session).physical();
    }

    /** The id that the server gives a session that has begun; null where it gives none. */
    public @Nullable String sessionId(String session) {
        return lane(session).sessionId();
    }

    /** A session that has not begun will begin with these options. */
    public Conductor options(String session, TxOptions own) {
        options.put(session, own);
        return this;
    }

    // ---- steps

    /** Has a session take a step, and comes back when it is done, or waits. */
    public Step step(String session, Act act) {
        Lane lane = lane(session);
        Step step = submit(lane, act);
        attend(lane);
        if (step.finishedAt() > 0 && (act.kind.isEnd() || !step.isDone())) {
            attendToOthers();
        }
        return step;
    }

    /**
     * Has a session take a step that waits for nobody, and comes back when it is done or has failed.
     *
     * @param why it should not wait, for the failure
     * @throws AssertionError if it waits
     */
    public Step atOnce(String session, Act act, String why) {
        Lane lane = lane(session);
        Step step = submit(lane, act);
        long since = System.nanoTime();
        long end = since + Patience.step().toNanos();
        while (!idle(lane, GLANCE)) {
            long now = System.nanoTime();
            if (!view.saysWaiting(lane)) {
                since = now; // the view must say so all the time: locks inside the server come and go
            }
            if (now - since > quiet().toNanos() || now > end) {
                waits(lane, "all the time");
                throw new AssertionError(why + ", but '" + step + "' waits");
            }
        }
        return step;
    }

    /**
     * Has a session take a step that nobody should be in the way of.
     *
     * @param why nobody should, for the failure
     * @throws AssertionError if it fails, or waits
     */
    public Step unhindered(String session, Act act, String why) {
        Step step = atOnce(session, act, why);
        if (!step.isDone()) {
            throw new AssertionError(why + ", but '" + step + "' failed: " + reason(step), step.thrown());
        }
        return step;
    }

    private static String reason(Step step) {
        return step.failure() == null ? String.valueOf(step.thrown()) : String.valueOf(step.failure());
    }

    /**
     * Has a session take a step that nothing should fail in.
     *
     * @throws AssertionError if it fails
     * @throws Inconclusive if it waits
     */
    public Step done(String session, Act act) {
        Step step = step(session, act);
        if (step.hasFailed() || step.isDropped()) {
            throw new AssertionError(step + " failed: " + reason(step), step.thrown());
        }
        if (!step.isDone()) {
            throw new Inconclusive(step + " waits");
        }
        return step;
    }

    /** Waits until a step is done, or for this long; answers whether it is. */
    public boolean isDoneWithin(Step step, Duration bound) {
        return idle(lane(step.session), bound) && step.finishedAt() > 0;
    }

    private Step submit(Lane lane, Act act) {
        if (!lane.hasBegun() && act.kind != Act.Kind.BEGIN) {
            lane.submit(new Step(lane.name(), Act.begin(), score));
        }
        Step step = new Step(lane.name(), act, score);
        lane.submit(step);
        return step;
    }

    private Lane lane(String session) {
        return lanes.computeIfAbsent(
                session,
                name -> new Lane(
                        name,
                        db,
                        () -> db.begin(options.getOrDefault(name, usual)),
                        text -> Act.filled(text, table, lane(name).steps()),
                        this::disturb));
    }

    private void disturb() {
        long most = pace.delay().toNanos();
        if (most > 0) {
            long end = System.nanoTime() + ThreadLocalRandom.current().nextLong(most);
            for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
        }
    }

    // ---- who waits

    /** Comes back when all steps of the lane are done, or it waits. */
    private void attend(Lane lane) {
        Step head = lane.head();
        if (head == null || head.waitingAt() > 0) {
            return;
        }
        attend(lane, true);
    }

    /** One session has ended: those that waited for it go on, and may end too. */
    private void attendToOthers() {
        for (boolean more = true; more; ) {
            more = false;
            for (Lane lane : lanes.values()) {
                if (lane.head() != null) {
                    attend(lane, false);
                    more |= lane.head() == null && lane.isToldToEnd();
                }
            }
        }
    }

    /**
     * Comes back when all steps of the lane are done, or it waits.
     *
     * @param fresh it did not wait before; one that did may be let go on, and be slow to wake up
     */
    private void attend(Lane lane, boolean fresh) {
        long since = System.nanoTime();
        long running = since;
        Duration pause = GLANCE;
        while (!idle(lane, pause)) {
            if (view.saysWaiting(lane)) {
                waits(lane, "the lock view says");
                return;
            }
            long now = System.nanoTime();
            if (!fresh || view.isThere() || !lane.isParked()) {
                running = now;
            }
            if (now - running > quiet().dividedBy(PARKED).toNanos()) {
                waits(lane, "its thread does");
                return;
            }
            Duration bound = view.isThere() && quiet().compareTo(SILENT_VIEW) < 0 ? Patience.of(SILENT_VIEW) : quiet();
            if (now - since > bound.toNanos()) {
                waits(lane, "quiet for " + bound.toMillis() + " ms");
                return;
            }
            pause = pause.multipliedBy(2).compareTo(longestPause()) < 0 ? pause.multipliedBy(2) : longestPause();
        }
    }

    private Duration longestPause() {
        return view.isThere() ? LONGEST_PAUSE : GLANCE; // to look at a thread costs nothing
    }

    private void waits(Lane lane, String how) {
        Step head = lane.head();
        if (head != null) {
            head.waits(how);
        }
    }

    private Duration quiet() {
        Duration quiet = pace.quiet();
        if (pace.delay().isZero()) {
            Duration slow = roundTrip().multipliedBy(10);
            quiet = slow.compareTo(quiet) > 0 ? slow : quiet;
        }
        return quiet.multipliedBy(1L << (2 * (run.attempt() - 1)));
    }

    /** The median of a few. */
    private Duration roundTrip() {
        if (roundTrip == null) {
            long[] nanos = new long[5];
            for (int i = 0; i < nanos.length; i++) {
                long begun = System.nanoTime();
                Facts.thrownBy(() -> monitor.isValid(5));
                nanos[i] = System.nanoTime() - begun;
            }
            java.util.Arrays.sort(nanos);
            roundTrip = Duration.ofNanos(nanos[nanos.length / 2]);
        }
        return roundTrip;
    }

    private static boolean idle(Lane lane, Duration bound) {
        try {
            return lane.idleWithin(bound);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while " + lane.name() + " was at work", e);
        }
    }

    // ---- the end

    /**
     * Waits until all sessions have done all their steps.
     *
     * @throws AssertionError if one hangs; all sessions are ended then
     */
    public void drain() {
        for (Lane lane : lanes.values()) {
            if (!idle(lane, Patience.step())) {
                String text = hanging();
                sessions.abort();
                throw new AssertionError(text);
            }
        }
    }

    private String hanging() {
        StringBuilder text = new StringBuilder("A session hangs; all are ended.");
        for (Lane lane : lanes.values()) {
            text.append('\n').append(lane.name()).append(": ");
            Step head = lane.head();
            text.append(head == null ? "done" : head).append(view.saysWaiting(lane) ? ", waits for a lock" : "");
            Thread thread = lane.thread();
            if (head != null && thread != null) {
                for (StackTraceElement line : thread.getStackTrace()) {
                    text.append("\n    ").append(line);
                }
            }
        }
        return text.toString();
    }

    /** What was seen so far. */
    public Play play() {
        return new Play(steps());
    }

    private Map<String, List<Step>> steps() {
        Map<String, List<Step>> all = new LinkedHashMap<>();
        for (Lane lane : lanes.values()) {
            all.put(lane.name(), lane.steps());
        }
        return all;
    }

    /** Rolls back what is open, and ends the threads. */
    @Override
    public void close() {
        try {
            for (Lane lane : lanes.values()) {
                if (lane.hasBegun() && !lane.isToldToEnd()) {
                    lane.submit(new Step(lane.name(), Act.rollback(), score));
                }
            }
            drain();
        } finally {
            lanes.values().forEach(Lane::stop);
        }
    }
}
