package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Hook;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The hooks before COMMIT: {@link #begin}, each {@link #next} until one fails, {@link #over}. */
public final class HooksBefore {
    private final Scope scope;
    private final Hooks hooks;
    private final Consumer<@Nullable Throwable> decision;
    private Current.@Nullable Frame before;

    /**
     * The hooks of a scope.
     *
     * @param decision is told what one has thrown, or null
     */
    HooksBefore(Scope scope, Hooks hooks, Consumer<@Nullable Throwable> decision) {
        this.scope = scope;
        this.hooks = hooks;
        this.decision = decision;
    }

    /** Fires them, in the calling thread. */
    void fire() {
        Current.Frame outer = Current.enter(begin());
        Throwable thrown = null;
        try {
            for (Hook hook = next(); hook != null; hook = next()) {
                hook.fire();
            }
        } catch (Throwable e) {
            thrown = e;
        } finally {
            Current.leave(outer);
        }
        over(thrown);
    }

    /** Begins, and answers where they are fired, inside what is current now. */
    public Current.Frame begin() {
        Current.Frame frame =
                Current.inner(scope.transaction.engine, scope, false); // known to hooks, found by nobody else
        before = scope.unit.firingHooks(frame);
        return frame;
    }

    /** The next hook to be fired, those that hooks register included; null if there is none left. */
    public @Nullable Hook next() {
        return hooks.nextBeforeCommit();
    }

    /**
     * They were fired: what was decided is decided anew.
     *
     * @param thrown by the last one; null if all went well
     */
    public void over(@Nullable Throwable thrown) {
        scope.unit.firingHooks(before);
        decision.accept(thrown);
    }
}
