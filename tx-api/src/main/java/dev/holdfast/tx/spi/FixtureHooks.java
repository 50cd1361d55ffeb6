package dev.holdfast.tx.spi;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxOption;
import org.jspecify.annotations.Nullable;

/**
 * Takes the hooks of the roots inside a test fixture when they are due, so that a test can tell which there were, and fire
 * them later. For test tools.
 */
@FunctionalInterface
public interface FixtureHooks {
    /** Given to a root with {@link Completion#FIXTURE}, and refused at any other; without it hooks fire when they are due. */
    TxOption<FixtureHooks> OPTION = TxOption.of("fixtureHooks", FixtureHooks.class);

    /** When a hook fires. */
    enum Point {
        /** It was registered by {@link dev.holdfast.tx.Tx#afterCommit}. */
        AFTER_COMMIT,
        /** It was registered by {@link dev.holdfast.tx.Tx#afterRollback}. */
        AFTER_ROLLBACK,
        /** It was registered by {@link dev.holdfast.tx.Tx#afterCompletion}. */
        AFTER_COMPLETION
    }

    /** A hook that is due. */
    interface Due {
        /** How it was registered. */
        Point point();

        /** The label of the root it belongs to; null if that has none. */
        @Nullable
        String label();

        /** How that root ended. */
        Outcome outcome();

        /**
         * Fires it, on any thread, now or later, once; and then those that it registers, as they become due.
         *
         * @throws Exception what the hook throws
         */
        void fire() throws Exception;
    }

    /**
     * Takes a hook that is due, in place of its being fired.
     *
     * @throws Exception what the hook that it fires throws: it reaches the caller as that of any hook does
     */
    void due(Due hook) throws Exception;
}
