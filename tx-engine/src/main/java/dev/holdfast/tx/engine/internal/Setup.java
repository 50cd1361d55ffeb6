package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a transactor is made of, besides its data source.
 *
 * @param dialect to use; null to look for it
 * @param options of roots that do not say otherwise
 * @param ambient whether running transactions are found without being passed along
 * @param listeners told of events
 * @param patience how long a thread waits for its turn
 * @param settleWithin how long is asked what became of a lost commit
 */
public record Setup(
        @Nullable Dialect dialect,
        TxOptions options,
        Ambient ambient,
        List<TxListener> listeners,
        Duration patience,
        Duration settleWithin) {
    /** Copies the listeners. */
    public Setup {
        listeners = List.copyOf(listeners);
    }
}
