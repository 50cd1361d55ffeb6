package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * How a case wants its engine. Immutable; the withers answer new values.
 *
 * @param dataSource to run on
 * @param options of roots that do not say otherwise
 * @param ambient whether running transactions are found without being passed along
 * @param listeners told of events
 * @param settleWithin how long is asked what became of a lost commit
 * @param endWithin how long the answer to COMMIT or ROLLBACK is waited for under a whole timeout
 * @param replicas that follow the data source
 * @param replicaPolicy by which they are read from
 */
public record EngineSetup(
        DataSource dataSource,
        TxOptions options,
        Ambient ambient,
        List<TxListener> listeners,
        Duration settleWithin,
        Duration endWithin,
        List<DataSource> replicas,
        ReplicaPolicy replicaPolicy) {
    /** Copies the lists. */
    public EngineSetup {
        listeners = List.copyOf(listeners);
        replicas = List.copyOf(replicas);
    }

    /** With ten seconds for what became of a lost commit and for the end, and no replicas. */
    public EngineSetup(DataSource dataSource, TxOptions options, Ambient ambient, List<TxListener> listeners) {
        this(
                dataSource,
                options,
                ambient,
                listeners,
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                List.of(),
                ReplicaPolicy.standard());
    }

    /** On a data source, with nothing else said. */
    public static EngineSetup on(DataSource dataSource) {
        return new EngineSetup(dataSource, TxOptions.none(), Ambient.ON, List.of());
    }

    /** With these default options. */
    public EngineSetup with(TxOptions defaults) {
        return new EngineSetup(
                dataSource, defaults, ambient, listeners, settleWithin, endWithin, replicas, replicaPolicy);
    }

    /** With this mode. */
    public EngineSetup with(Ambient mode) {
        return new EngineSetup(dataSource, options, mode, listeners, settleWithin, endWithin, replicas, replicaPolicy);
    }

    /** Telling this listener too. */
    public EngineSetup with(TxListener listener) {
        List<TxListener> more = new ArrayList<>(listeners);
        more.add(listener);
        return new EngineSetup(dataSource, options, ambient, more, settleWithin, endWithin, replicas, replicaPolicy);
    }

    /** Reading from this one, too. */
    public EngineSetup replica(DataSource replica) {
        List<DataSource> more = new ArrayList<>(replicas);
        more.add(replica);
        return new EngineSetup(dataSource, options, ambient, listeners, settleWithin, endWithin, more, replicaPolicy);
    }

    /** Reading from replicas like this. */
    public EngineSetup with(ReplicaPolicy policy) {
        return new EngineSetup(dataSource, options, ambient, listeners, settleWithin, endWithin, replicas, policy);
    }

    /** Asking this long what became of a lost commit. */
    public EngineSetup settlingWithin(Duration limit) {
        return new EngineSetup(dataSource, options, ambient, listeners, limit, endWithin, replicas, replicaPolicy);
    }

    /** Waiting this long for the answer to COMMIT or ROLLBACK under a whole timeout. */
    public EngineSetup endingWithin(Duration limit) {
        return new EngineSetup(dataSource, options, ambient, listeners, settleWithin, limit, replicas, replicaPolicy);
    }
}
