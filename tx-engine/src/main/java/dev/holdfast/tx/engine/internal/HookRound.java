package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.spi.FixtureHooks;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The hooks after one end, until all of them were fired: {@link #begin}, each {@link #next}, {@link #over}. In a test
 * fixture another may take them, and fire them later.
 */
public final class HookRound {
    private final Scope scope;
    private final Hooks hooks;
    private final Outcome outcome;
    private final @Nullable FixtureHooks taker;
    private final List<Throwable> failed = new ArrayList<>();
    private Current.@Nullable Frame before;

    HookRound(Scope scope, Hooks hooks, Outcome outcome) {
        this.scope = scope;
        this.hooks = hooks;
        this.outcome = outcome;
        this.taker =
                scope.unit.standsForRoot ? scope.transaction.prepared.options().get(FixtureHooks.OPTION) : null;
    }

    /** Fires what is due, and answers what was thrown, in order. */
    List<Throwable> fire() {
        Current.Frame outer = Current.enter(begin());
        try {
            for (DueHook due = next(); due != null; due = next()) {
                try {
                    due.fire();
                } catch (Throwable e) {
                    failed(e);
                }
            }
        } finally {
            over();
            Current.leave(outer);
        }
        return failed;
    }

    /** Begins the round, and answers where hooks fire: outside of every transaction, or where another root would start. */
    public Current.Frame begin() {
        Current.Frame frame =
                Current.inner(scope.transaction.engine, scope.unit.isRoot() ? null : scope.outermost(), true);
        before = scope.unit.firingHooks(frame);
        return frame;
    }

    /** The next hook to be fired; null if there is none left. */
    public @Nullable DueHook next() {
        DueHook due = hooks.nextAfter(outcome);
        if (due == null || taker == null) {
            return due;
        }
        FixtureHooks to = taker;
        return new DueHook(due.point(), () -> to.due(new Taken(due)), null, due.outcome());
    }

    /** A hook has thrown something. */
    public void failed(Throwable error) {
        failed.add(error);
    }

    /** Ends the round. */
    public void over() {
        scope.unit.firingHooks(before);
    }

    /** What hooks have thrown, in order. */
    List<Throwable> failed() {
        return failed;
    }

    /** A hook in the hands of another. */
    private final class Taken implements FixtureHooks.Due {
        private final DueHook due;

        Taken(DueHook due) {
            this.due = due;
        }

        @Override
        public FixtureHooks.Point point() {
            return due.point();
        }

        @Override
        public @Nullable String label() {
            return scope.inForce.label();
        }

        @Override
        public Outcome outcome() {
            return outcome;
        }

        @Override
        public void fire() throws Exception {
            if (scope.unit.isFiringHooks()) {
                due.fire(); // in the round; what it registers is seen there
                return;
            }
            HookRound later = new HookRound(scope, hooks, outcome);
            Current.Frame outer = Current.enter(later.begin());
            try {
                due.fire();
            } catch (Throwable e) {
                later.failed(e);
            } finally {
                later.over();
                Current.leave(outer);
            }
            List<Throwable> thrown = later.fire(); // what it has registered
            if (!thrown.isEmpty()) {
                Throwable first = thrown.get(0);
                thrown.subList(1, thrown.size()).forEach(next -> Thrown.suppress(first, next));
                throw Thrown.as(first);
            }
        }
    }
}
