package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.testkit.history.Recorded.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A database that is right by its making, in one thread: sessions take their steps in an order drawn by lot, versions are
 * kept for ever, and COMMIT looks for what its level forbids. Runs what {@link Plan} says, as {@link Workload} does.
 */
final class SimulatedDatabase {
    /** What COMMIT looks at. */
    enum Level {
        /** Each read sees the newest committed version; who writes what another one has written fails at once. */
        READ_COMMITTED,
        /** Reads see what was committed at the begin; of two writers of one key the first to commit wins. */
        SNAPSHOT,
        /** The same, and nothing that was read may have been written since. */
        SERIALIZABLE
    }

    /** One version of a key. */
    private record Version(int committedAt, List<Integer> elements) {}

    private final Level level;
    private final Workload.Mode mode;
    private final SplittableRandom lots;
    private final double lostAnswers;
    private final Map<Integer, List<Version>> store = new HashMap<>();
    private final Map<Integer, Session> locks = new HashMap<>();
    private int commits;
    private int ticks;

    private SimulatedDatabase(Level level, Workload.Mode mode, long seed, double lostAnswers) {
        this.level = level;
        this.mode = mode;
        this.lots = new SplittableRandom(seed);
        this.lostAnswers = lostAnswers;
    }

    /** A history of so many transactions, and of what is there at the end. */
    static History run(Level level, Workload.Mode mode, long seed, int transactions, double lostAnswers) {
        return new SimulatedDatabase(level, mode, seed, lostAnswers).run(seed, transactions);
    }

    private History run(long seed, int transactions) {
        List<Recorded> all = new ArrayList<>();
        List<Session> sessions = new ArrayList<>();
        int begun = 0;
        while (begun < transactions || !sessions.isEmpty()) {
            if (sessions.size() < 6 && begun < transactions) {
                sessions.add(new Session(Plan.of(seed, mode, ++begun)));
                continue;
            }
            Session next = sessions.get(lots.nextInt(sessions.size()));
            if (next.step()) {
                sessions.remove(next);
                all.add(next.recorded());
            }
        }
        List<Op> last = new ArrayList<>();
        for (int key : store.keySet()) {
            last.add(read(key, committed(key, commits)));
        }
        all.add(new Recorded(begun + 1, Recorded.OBSERVER, ++ticks, ++ticks, Status.OK, last));
        return new History(seed, "simulated " + level + ", " + mode, all);
    }

    private List<Integer> committed(int key, int at) {
        List<Version> versions = store.getOrDefault(key, List.of());
        for (int i = versions.size() - 1; i >= 0; i--) {
            if (versions.get(i).committedAt() <= at) {
                return versions.get(i).elements();
            }
        }
        return List.of();
    }

    private Op read(int key, List<Integer> elements) {
        if (mode == Workload.Mode.LISTS) {
            return Op.readList(
                    key, elements.stream().mapToInt(Integer::intValue).toArray());
        }
        return Op.read(key, elements.isEmpty() ? Op.INITIAL : elements.get(elements.size() - 1));
    }

    private boolean isWrittenSince(int key, int at) {
        List<Version> versions = store.getOrDefault(key, List.of());
        return !versions.isEmpty() && versions.get(versions.size() - 1).committedAt() > at;
    }

    private final class Session {
        private final Plan plan;
        private final List<Op> done = new ArrayList<>();
        private final Map<Integer, List<Integer>> own = new HashMap<>();
        private final Set<Integer> read = new HashSet<>();
        private final int began = ++ticks;
        private final int snapshot = commits;
        private Status status = Status.FAILED;
        private int at;
        private boolean halfDone;

        Session(Plan plan) {
            this.plan = plan;
        }

        /** Takes a step; answers whether it was the last. */
        boolean step() {
            if (at == plan.steps().size()) {
                commit();
                return true;
            }
            Plan.Step step = plan.steps().get(at);
            if (step.reads() && !halfDone) {
                read.add(step.key());
                List<Integer> elements =
                        new ArrayList<>(committed(step.key(), level == Level.READ_COMMITTED ? commits : snapshot));
                elements.addAll(own.getOrDefault(step.key(), List.of()));
                done.add(read(step.key(), elements));
                halfDone = step.writes();
                at += halfDone ? 0 : 1;
                return false;
            }
            if (level == Level.READ_COMMITTED
                    && !locks.computeIfAbsent(step.key(), key -> this).equals(this)) {
                locks.values().removeIf(this::equals);
                return true;
            }
            own.computeIfAbsent(step.key(), key -> new ArrayList<>()).add(step.value());
            done.add(
                    mode == Workload.Mode.LISTS
                            ? Op.append(step.key(), step.value())
                            : Op.write(step.key(), step.value()));
            halfDone = false;
            at++;
            return false;
        }

        private void commit() {
            locks.values().removeIf(this::equals);
            boolean conflict =
                    level != Level.READ_COMMITTED && own.keySet().stream().anyMatch(this::isStale);
            conflict |= level == Level.SERIALIZABLE
                    && !own.isEmpty()
                    && read.stream().anyMatch(this::isStale);
            boolean answered = lots.nextDouble() >= lostAnswers;
            boolean arrives = answered || lots.nextBoolean();
            if (!conflict && arrives) {
                commits++;
                own.forEach((key, values) -> {
                    List<Integer> elements = new ArrayList<>(committed(key, commits));
                    elements.addAll(values);
                    store.computeIfAbsent(key, absent -> new ArrayList<>()).add(new Version(commits, elements));
                });
            }
            status = !answered ? Status.UNKNOWN : conflict ? Status.FAILED : Status.OK;
        }

        private boolean isStale(int key) {
            return isWrittenSince(key, snapshot);
        }

        Recorded recorded() {
            return new Recorded(plan.number(), plan.number() % 6, began, ++ticks, status, done);
        }
    }
}
