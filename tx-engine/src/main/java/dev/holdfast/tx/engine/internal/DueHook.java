package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.spi.FixtureHooks;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A hook that is to be fired now.
 *
 * @param point it was registered for
 * @param hook fires; null for one that is told the outcome
 * @param told of the outcome; null for one that fires
 * @param outcome of the root, or of the savepoint it was registered in
 */
public record DueHook(
        FixtureHooks.Point point,
        @Nullable Hook hook,
        @Nullable Consumer<? super Outcome> told,
        Outcome outcome) {
    /** Fires it in the calling thread. */
    public void fire() throws Exception {
        if (hook != null) {
            hook.fire();
        } else if (told != null) {
            told.accept(outcome);
        }
    }
}
