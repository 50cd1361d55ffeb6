package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.FixtureHooks;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The hooks of one unit, in the order of their registration. */
final class Hooks {
    private enum Point {
        BEFORE_COMMIT,
        AFTER_COMMIT,
        AFTER_ROLLBACK,
        AFTER_COMPLETION
    }

    /**
     * One hook.
     *
     * @param hook fires; null for one that is told the outcome
     * @param told of the outcome; null for one that fires
     * @param fate of the savepoint it was registered in, if that was rolled back; else null, and the root's counts
     */
    private record Entry(
            Point point,
            @Nullable Hook hook,
            @Nullable Consumer<? super Outcome> told,
            Outcome.@Nullable RolledBack fate) {}

    private final List<Entry> entries = new ArrayList<>();
    /** How many of them were looked at before COMMIT. */
    private int firedBefore;
    /** How many of them were looked at after the end. */
    private int fired;

    void beforeCommit(Hook hook) {
        entries.add(new Entry(Point.BEFORE_COMMIT, hook, null, null));
    }

    void afterCommit(Hook hook) {
        entries.add(new Entry(Point.AFTER_COMMIT, hook, null, null));
    }

    void afterRollback(Hook hook) {
        entries.add(new Entry(Point.AFTER_ROLLBACK, hook, null, null));
    }

    void afterCompletion(Consumer<? super Outcome> hook) {
        entries.add(new Entry(Point.AFTER_COMPLETION, null, hook, null));
    }

    /** Takes over the hooks of a savepoint that was released. */
    void adopt(Hooks released) {
        entries.addAll(released.entries);
    }

    /** Takes over what remains of a savepoint that was rolled back: the hooks that are about that. */
    void adopt(Hooks undone, Outcome.RolledBack fate) {
        for (Entry entry : undone.entries) {
            if (entry.point() == Point.AFTER_ROLLBACK || entry.point() == Point.AFTER_COMPLETION) {
                entries.add(entry.fate() == null ? new Entry(entry.point(), entry.hook(), entry.told(), fate) : entry);
            }
        }
    }

    /** The next hook that fires before COMMIT, those that hooks register included; null if there is none left. */
    @Nullable
    Hook nextBeforeCommit() {
        while (firedBefore < entries.size()) {
            Entry entry = entries.get(firedBefore++);
            if (entry.point() == Point.BEFORE_COMMIT) {
                return entry.hook();
            }
        }
        return null;
    }

    /** The next hook that is due after an end, those that hooks register included; null if there is none left. */
    @Nullable
    DueHook nextAfter(Outcome outcome) {
        while (fired < entries.size()) {
            Entry entry = entries.get(fired++);
            Outcome own = entry.fate() == null ? outcome : entry.fate();
            FixtureHooks.@Nullable Point due = switch (entry.point()) {
                case BEFORE_COMMIT -> null;
                case AFTER_COMMIT -> own instanceof Outcome.Committed ? FixtureHooks.Point.AFTER_COMMIT : null;
                case AFTER_ROLLBACK -> own instanceof Outcome.RolledBack ? FixtureHooks.Point.AFTER_ROLLBACK : null;
                case AFTER_COMPLETION -> FixtureHooks.Point.AFTER_COMPLETION;
            };
            if (due != null) {
                return new DueHook(due, entry.hook(), entry.told(), own);
            }
        }
        return null;
    }

    static TxStateException tooLate(String name) {
        return new TxStateException(name + " was registered after the end of its transaction and would never fire;"
                + " register it while the scope is open");
    }
}
