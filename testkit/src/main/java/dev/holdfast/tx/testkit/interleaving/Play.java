package dev.holdfast.tx.testkit.interleaving;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What was seen when a script was played: reads, counts, commits and the order of it all. */
public final class Play {
    private final Map<String, List<Step>> sessions;

    Play(Map<String, List<Step>> sessions) {
        this.sessions = sessions;
    }

    private Stream<Step> all() {
        return sessions.values().stream().flatMap(Collection::stream);
    }

    private List<Step> of(String session) {
        return sessions.getOrDefault(session, List.of());
    }

    /**
     * The step of this name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Step step(String name) {
        return all().filter(step -> step.act.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("No step is called " + name));
    }

    /** Whether all of these were told that they committed. */
    public boolean committed(String... names) {
        return Stream.of(names)
                .allMatch(
                        name -> of(name).stream().anyMatch(step -> step.act.kind == Act.Kind.COMMIT && step.isDone()));
    }

    /** Whether the session came to the end that its script gives it, be it a commit or a rollback. */
    public boolean ended(String session) {
        return of(session).stream().anyMatch(step -> step.act.kind.isEnd() && step.isDone());
    }

    /** What the step of this name has read; null if it was not done. */
    public @Nullable List<Integer> read(String name) {
        Step step = step(name);
        return step.isDone() ? step.values() : null;
    }

    /** Whether the step of this name was done, and has read just this. */
    public boolean saw(String name, Integer... values) {
        return List.of(values).equals(read(name));
    }

    /** Whether the step of this name was done, and this is among what it has read. */
    public boolean sawAmong(String name, int value) {
        List<Integer> values = read(name);
        return values != null && values.contains(value);
    }

    /** How many rows the step of this name wrote; -1 if it was not done. */
    public int count(String name) {
        Step step = step(name);
        return step.isDone() ? step.count() : -1;
    }

    /** The steps that failed, at most one for each session. */
    public List<Step> failures() {
        return all().filter(Step::hasFailed).toList();
    }

    /** Whether any session had to wait for another. */
    public boolean anyWaited() {
        return all().anyMatch(step -> step.waitingAt() > 0 && isGenuine(step));
    }

    /**
     * What was not reached of what the steps ask for by {@link Act#after}; null if all was.
     */
    public @Nullable String notReached() {
        for (Step step : all().toList()) {
            for (String name : step.act.after) {
                if (!isBefore(step(name), step)) {
                    return "'" + step(name) + "' was neither done nor kept from it when '" + step + "' began";
                }
            }
        }
        return null;
    }

    /** Whether one step was done before another began, or could not be: its session waited, or had failed. */
    private boolean isBefore(Step one, Step other) {
        long began = other.startedAt();
        if (began == 0 || (one.finishedAt() > 0 && one.finishedAt() < began)) {
            return true;
        }
        return of(one.session).stream()
                .anyMatch(step -> step.waitingAt() > 0
                        && step.waitingAt() < began
                        && (step.finishedAt() == 0 || step.finishedAt() > began)
                        && isGenuine(step));
    }

    /**
     * A step that was taken to wait, but then went on though nobody else had ended, was slow: it waited for nobody.
     */
    private boolean isGenuine(Step waited) {
        if (waited.finishedAt() == 0 || waited.hasFailed()) {
            return true;
        }
        return all().filter(step -> !step.session.equals(waited.session))
                .filter(step -> step.act.kind.isEnd() || step.hasFailed())
                .anyMatch(end -> end.startedAt() > 0
                        && end.startedAt() < waited.finishedAt()
                        && (end.finishedAt() == 0 || end.finishedAt() > waited.waitingAt()));
    }
}
