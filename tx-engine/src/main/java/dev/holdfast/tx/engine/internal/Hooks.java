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
            Outcome.@Nullable RolledBack fate) {
        void fire(@Nullable Outcome outcome) throws Exception {
            if (hook != null) {
                hook.fire();
            } else if (told != null && outcome != null) {
                told.accept(outcome);
            }
        }
    }

    private final List<Entry> entries = new ArrayList<>();
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

    /** Fires the hooks before COMMIT, those that they register included; the first failure ends it. */
    void fireBeforeCommit() throws Exception {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).point() == Point.BEFORE_COMMIT) {
                entries.get(i).fire(null);
            }
        }
    }

    /** How a hook that is due is fired. */
    @FunctionalInterface
    interface Firing {
        void fire(FixtureHooks.Point point, Hook hook) throws Exception;
    }

    /**
     * Fires the hooks after the end that were not looked at yet and are due, those that they register included, all of them.
     *
     * @return what they threw, in order
     */
    List<Throwable> fireAfter(Outcome outcome, Firing firing) {
        List<Throwable> failed = new ArrayList<>();
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
                try {
                    firing.fire(due, () -> entry.fire(own));
                } catch (Throwable e) {
                    failed.add(e);
                }
            }
        }
        return failed;
    }

    /** As {@link #fireAfter(Outcome, Firing)}, one after the other, by nobody else. */
    List<Throwable> fireAfter(Outcome outcome) {
        return fireAfter(outcome, (point, hook) -> hook.fire());
    }

    static TxStateException tooLate(String name) {
        return new TxStateException(name + " was registered after the end of its transaction and would never fire;"
                + " register it while the scope is open");
    }
}
