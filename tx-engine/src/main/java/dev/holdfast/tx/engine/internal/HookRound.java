package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.spi.FixtureHooks;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The hooks after one end, until all of them were fired. In a test fixture another may take them, and fire them later. */
final class HookRound {
    private final Scope scope;
    private final Hooks hooks;
    private final Outcome outcome;
    private final @Nullable FixtureHooks taker;

    HookRound(Scope scope, Hooks hooks, Outcome outcome) {
        this.scope = scope;
        this.hooks = hooks;
        this.outcome = outcome;
        this.taker =
                scope.unit.standsForRoot ? scope.transaction.prepared.options().get(FixtureHooks.OPTION) : null;
    }

    /** Fires what is due, and answers what was thrown, in order. */
    List<Throwable> fire() {
        if (taker == null) {
            return inPlace(() -> hooks.fireAfter(outcome));
        }
        FixtureHooks to = taker;
        return inPlace(() -> hooks.fireAfter(outcome, (point, hook) -> to.due(new Taken(point, hook))));
    }

    /** Does this where hooks fire: outside of every transaction, or where another root would start. */
    private List<Throwable> inPlace(Supplier<List<Throwable>> work) {
        Thread before = scope.unit.firingHooks(Thread.currentThread());
        Current.Frame frame =
                Current.enter(scope.transaction.engine, scope.unit.isRoot() ? null : scope.outermost(), true);
        try {
            return work.get();
        } finally {
            Current.leave(frame);
            scope.unit.firingHooks(before);
        }
    }

    /** A hook in the hands of another. */
    private final class Taken implements FixtureHooks.Due {
        private final FixtureHooks.Point point;
        private final Hook hook;

        Taken(FixtureHooks.Point point, Hook hook) {
            this.point = point;
            this.hook = hook;
        }

        @Override
        public FixtureHooks.Point point() {
            return point;
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
                hook.fire(); // in the round; what it registers is seen there
                return;
            }
            List<Throwable> failed = new ArrayList<>(inPlace(() -> {
                try {
                    hook.fire();
                    return List.of();
                } catch (Throwable e) {
                    return List.of(e);
                }
            }));
            failed.addAll(HookRound.this.fire());
            if (!failed.isEmpty()) {
                Throwable first = failed.get(0);
                failed.subList(1, failed.size()).forEach(later -> Thrown.suppress(first, later));
                throw Thrown.as(first);
            }
        }
    }
}
