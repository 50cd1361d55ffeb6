package dev.holdfast.tx.spi;

import dev.holdfast.tx.Transactor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A transactor that makes its calls with another one, which it puts into a place of its own: a test fixture, say. */
public interface InFront extends Transactor {
    /**
     * Has something done with the transactor behind this one, where the calls of this one are made.
     *
     * @param work is given the one behind, and done before this returns
     * @return what the work returned
     */
    <T extends @Nullable Object> T behind(Function<? super Transactor, ? extends T> work);
}
