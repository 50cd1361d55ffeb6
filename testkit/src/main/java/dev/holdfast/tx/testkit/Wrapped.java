package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import org.jspecify.annotations.Nullable;

/** Objects of a driver whose answers are other than the driver's. */
final class Wrapped {
    /** What becomes of an answer. */
    @FunctionalInterface
    interface Change {
        /**
         * The answer given instead.
         *
         * @param method that was called
         * @param answer of the real object; null if it has none
         */
        @Nullable
        Object of(String method, @Nullable Object answer) throws Exception;
    }

    private Wrapped() {}

    static <T> T with(Class<T> type, T real, Change change) {
        return JdbcProxy.of(
                type,
                "wrapped " + real,
                (self, method, given) -> change.of(method.getName(), JdbcProxy.call(real, method, given)));
    }
}
