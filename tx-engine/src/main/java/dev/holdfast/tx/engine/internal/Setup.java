package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
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
 * @param endWithin how long the answer to COMMIT or ROLLBACK is waited for under a whole timeout
 * @param separatePool for what is started inside a running scope on a connection of its own; null for the same pool
 * @param warnAfter how long a transaction may be open before that is warned of; null for ever
 * @param replicas that follow it
 * @param policy by which these are read from
 */
public record Setup(
        @Nullable Dialect dialect,
        TxOptions options,
        Ambient ambient,
        List<TxListener> listeners,
        Duration patience,
        Duration settleWithin,
        Duration endWithin,
        @Nullable SeparatePool separatePool,
        @Nullable Duration warnAfter,
        List<Follower> replicas,
        ReplicaPolicy policy) {
    /**
     * A second pool.
     *
     * @param given by the caller; null for one that is opened
     * @param size of one that is opened
     */
    public record SeparatePool(@Nullable DataSource given, int size) {}

    /** Copies the lists. */
    public Setup {
        listeners = List.copyOf(listeners);
        replicas = List.copyOf(replicas);
    }

    /** One replica, given by one of the two. */
    public record Follower(@Nullable String url, @Nullable DataSource dataSource) {}
}
