package dev.holdfast.tx.testkit;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Anomaly;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Play;
import dev.holdfast.tx.testkit.interleaving.Script;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * One script for several sessions, and what must not be seen when it was played at a level that prevents its anomaly.
 * Where the level does not prevent it, it is told whether it was seen. Blocking and errors are never asked for: a server
 * may prevent by making one wait, by ending one, or by showing each its own version.
 */
final class Interleaving {
    /** Of the table of a play. */
    static final String COLUMNS = "id int primary key, v int not null, n int not null";

    private static final Duration BUSY = Duration.ofMillis(100);

    /** What was found at levels that the database begins and models alike, so that it is found out once. */
    private static final Map<DatabaseUnderTest, Map<String, Found>> FOUND =
            Collections.synchronizedMap(new WeakHashMap<>());

    private final String id;
    private final String rule;
    private final String title;
    private final String name;
    private final @Nullable Anomaly anomaly;
    private @Nullable Feature feature;
    private Script script = Script.empty();
    private String words = "";
    private Forbidden forbidden = (play, rows) -> false;
    private @Nullable String asked;
    private Map<Integer, String> meanings = Map.of();
    private Map<Integer, Integer> more = Map.of();

    /** What must not be seen. */
    @FunctionalInterface
    interface Forbidden {
        boolean isSeen(Play play, Map<Integer, Integer> rows);
    }

    private record Found(String level, boolean told, Map<String, String> notes) {}

    /**
     * One.
     *
     * @param name what the literature calls the anomaly
     * @param anomaly null where there is none and only something is told
     */
    Interleaving(String id, String rule, String title, String name, @Nullable Anomaly anomaly) {
        this.id = id;
        this.rule = rule;
        this.title = title;
        this.name = name;
        this.anomaly = anomaly;
    }

    // ---- how one is put together

    Interleaving with(Feature needed) {
        feature = needed;
        return this;
    }

    /** With one more row. */
    Interleaving row(int id, int v) {
        more = Map.of(id, v);
        return this;
    }

    Interleaving script(Script played) {
        script = played;
        return this;
    }

    Interleaving forbidden(String told, Forbidden seen) {
        words = told;
        forbidden = seen;
        return this;
    }

    /** Nothing is forbidden; what this step read is told by its meaning. */
    Interleaving told(String step, Map<Integer, String> means) {
        asked = step;
        meanings = means;
        return this;
    }

    // ---- what it is

    String id() {
        return id;
    }

    /** Whether anything is forbidden; else something is told. */
    boolean forbidsAnything() {
        return anomaly != null;
    }

    boolean isPreventedBy(IsolationModel model) {
        return anomaly != null && model.prevented().contains(anomaly);
    }

    Script script() {
        return script;
    }

    /** What the table has at first: the values by their ids. */
    Map<Integer, Integer> rows() {
        return rows(more);
    }

    /** Whether this play, which left these rows, has what is forbidden. */
    boolean accuses(Play play, Map<Integer, Integer> rows) {
        return forbidden.isSeen(play, rows);
    }

    // ---- as cases

    ConformanceCase at(Isolation level, Pace pace) {
        Needs needs = Needs.of(level);
        return ConformanceCase.of(
                id, rule, title, feature == null ? needs : needs.and(feature), run -> show(run, level, pace));
    }

    ConformanceCase atDefault(Pace pace) {
        Needs needs = feature == null ? Needs.nothing() : Needs.of(feature);
        return ConformanceCase.of(id, rule, title + ", at the server's default", needs, run -> show(run, null, pace));
    }

    private void show(CaseRun run, @Nullable Isolation level, Pace pace) throws SQLException {
        TxOptions options = options(run, level, feature != null || level == null);
        String key = id + key(run, level, options);
        Map<String, Found> found = FOUND.computeIfAbsent(run.database(), any -> new ConcurrentHashMap<>());
        Found before = found.get(key);
        String now = level == null ? "the default" : level.name();
        if (before != null && !before.level().equals(now)) {
            before.notes().forEach(run::note);
            run.note("same as", before.level());
            if (before.told()) {
                run.characterised();
            }
            return;
        }
        boolean told = play(run, level, options, pace);
        if (told) {
            run.characterised();
        }
        found.put(key, new Found(now, told, run.notes()));
    }

    /** What is sent to begin, and what it is said to give: levels that are alike in both are one. */
    private static String key(CaseRun run, @Nullable Isolation level, TxOptions options) {
        Profile profile = run.profile();
        Level given = profile.levels().get(level == null ? profile.defaultIsolation() : level);
        try {
            return " " + given + " "
                    + run.database().dialect().plan(Wish.of(options), profile).begin();
        } catch (TxUnsupportedException e) {
            throw new AssertionError(level + " is declared, but refused: " + e.getMessage(), e);
        }
    }

    /**
     * How its sessions begin. A database with one writer would keep every second session from beginning, so it begins
     * deferred where it can, and does not wait for long.
     */
    static TxOptions options(CaseRun run, @Nullable Isolation level, boolean locksAtOnce) {
        TxOptions options = level == null ? TxOptions.none() : TxOptions.of(level);
        if (!run.has(Feature.SINGLE_WRITER)) {
            return options;
        }
        if (run.has(Feature.BEGIN_MODE) && !locksAtOnce) {
            options = options.beginMode(BeginMode.DEFERRED);
        }
        return run.has(Feature.LOCK_TIMEOUT) ? options.lockTimeout(Patience.of(BUSY)) : options;
    }

    private static Map<Integer, Integer> rows(Map<Integer, Integer> more) {
        Map<Integer, Integer> rows = new TreeMap<>(Map.of(1, 10, 2, 20));
        rows.putAll(more);
        return rows;
    }

    static String table(CaseRun run, Map<Integer, Integer> more) throws SQLException {
        String table = run.table(COLUMNS);
        for (Map.Entry<Integer, Integer> row : rows(more).entrySet()) {
            run.observe(
                    "insert into " + table + " (id, v, n) values (" + row.getKey() + ", " + row.getValue() + ", 0)");
        }
        return table;
    }

    // ---- one play

    /** Plays and judges; answers whether it only told. */
    private boolean play(CaseRun run, @Nullable Isolation level, TxOptions options, Pace pace) throws SQLException {
        IsolationModel model = Objects.requireNonNull(run.profile().model(level));
        boolean prevented = isPreventedBy(model);
        String table = table(run, more);
        Conductor conductor =
                Conductor.of(run, pace, table, options, script.sessions().size());
        Play play = script.play(conductor);
        Map<Integer, Integer> rows = rows(run, table);
        if (anomaly != null) {
            run.note("anomaly", name);
        }
        run.note("model", model);
        boolean seen = accuses(play, rows);
        if (seen && prevented) {
            throw new AssertionError("forbidden at " + model + ": " + words + "; the rows are now " + rows);
        }
        String notReached = play.notReached();
        if (!seen && notReached != null) {
            throw new Inconclusive(notReached);
        }
        victimsComeAgain(conductor, play);
        if (asked != null) {
            tell(run, play, asked);
        } else if (seen) {
            run.note("seen", "yes");
        } else {
            run.note("seen", "no");
            run.note("prevented", how(play));
        }
        return !prevented;
    }

    private void tell(CaseRun run, Play play, String step) {
        List<Integer> read = play.read(step);
        if (read == null) {
            throw new Inconclusive("'" + play.step(step) + "' was not done");
        }
        run.note(name, meanings.getOrDefault(read.get(0), String.valueOf(read)));
    }

    private static String how(Play play) {
        if (!play.failures().isEmpty()) {
            return "abort";
        }
        return play.anyWaited() ? "wait" : "yes";
    }

    private static Map<Integer, Integer> rows(CaseRun run, String table) throws SQLException {
        List<Integer> ids = run.ids(table);
        List<Integer> values = run.observed("select v from " + table + " order by id");
        Map<Integer, Integer> rows = new TreeMap<>();
        for (int i = 0; i < ids.size(); i++) {
            rows.put(ids.get(i), values.get(i));
        }
        return rows;
    }

    /** Who refuses everybody prevents every anomaly: somebody commits, and who was refused is told to come again. */
    private void victimsComeAgain(Conductor conductor, Play play) {
        List<Step> victims = play.failures();
        for (Step victim : victims) {
            Failure failure = victim.failure();
            if (failure == null || !failure.kind().isTransient()) {
                throw new AssertionError(
                        "'" + victim + "' failed with " + (failure == null ? victim.thrown() : failure)
                                + ", which tells nobody to run the transaction again",
                        victim.thrown());
            }
        }
        if (script.sessions().stream().noneMatch(play::ended)) {
            if (victims.stream().anyMatch(Interleaving::timedOut)) {
                throw new Inconclusive("nobody came to an end; some had waited for too long");
            }
            throw new AssertionError("nobody came to an end");
        }
        for (Step victim : victims) {
            String again = victim.session() + " again";
            for (Step failed :
                    script.alone(victim.session(), again).play(conductor).failures()) {
                if (failed.session().equals(again)) {
                    throw new AssertionError("alone, '" + failed + "' failed: " + failed.failure(), failed.thrown());
                }
            }
        }
    }

    private static boolean timedOut(Step step) {
        Failure failure = step.failure();
        return failure != null && failure.kind() == FailureKind.LOCK_TIMEOUT;
    }

    @Override
    public String toString() {
        return id + " " + title;
    }
}
