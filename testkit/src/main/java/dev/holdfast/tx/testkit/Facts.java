package dev.holdfast.tx.testkit;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What cases assert with; needs no test framework. */
public final class Facts {
    /** Something that may throw. */
    @FunctionalInterface
    public interface Attempt {
        /**
         * Tries it.
         *
         * @throws Throwable anything
         */
        void run() throws Throwable;
    }

    private Facts() {}

    /**
     * Both are equal.
     *
     * @param what is compared, for the failure
     * @throws AssertionError if they are not
     */
    public static void equal(@Nullable Object expected, @Nullable Object seen, String what) {
        if (!Objects.equals(expected, seen)) {
            AssertionError failure = new AssertionError(what + ": expected " + expected + ", but saw " + seen);
            if (seen instanceof Throwable thrown) {
                failure.initCause(thrown);
            }
            throw failure;
        }
    }

    /**
     * It holds.
     *
     * @param what should hold, for the failure
     * @throws AssertionError if it does not
     */
    public static void holds(Holds condition, String what) {
        if (!condition.isTrue()) {
            throw new AssertionError("does not hold: " + what);
        }
    }

    /** A condition. */
    @FunctionalInterface
    public interface Holds {
        /** Whether it holds. */
        boolean isTrue();
    }

    /**
     * What an attempt throws; null if it throws nothing.
     *
     * @throws AssertionError if that is what it throws: a fact that does not hold inside of the attempt is no answer of the
     *     database's. Likewise {@link Inconclusive} and {@link Untested}
     */
    public static @Nullable Throwable thrownBy(Attempt attempt) {
        try {
            attempt.run();
            return null;
        } catch (AssertionError | Inconclusive | Untested ofTheCase) {
            throw ofTheCase;
        } catch (Throwable thrown) {
            return thrown;
        }
    }

    /**
     * An attempt throws this type.
     *
     * @return what was thrown
     * @throws AssertionError if it throws nothing or something else
     */
    public static <X extends Throwable> X throwing(Class<X> type, Attempt attempt) {
        Throwable thrown = thrownBy(attempt);
        if (!type.isInstance(thrown)) {
            throw new AssertionError("expected a " + type.getSimpleName() + ", but saw " + thrown, thrown);
        }
        return type.cast(thrown);
    }

    /** Throws it as it is, checked or not. */
    @SuppressWarnings("unchecked")
    public static <X extends Throwable> RuntimeException sneaky(Throwable thrown) throws X {
        throw (X) thrown;
    }
}
