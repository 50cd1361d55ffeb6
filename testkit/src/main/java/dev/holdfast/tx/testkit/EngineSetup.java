package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Ambient;
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
 */
public record EngineSetup(
        DataSource dataSource, TxOptions options, Ambient ambient, List<TxListener> listeners, Duration settleWithin) {
    /** Copies the listeners. */
    public EngineSetup {
        listeners = List.copyOf(listeners);
    }

    /** With ten seconds for what became of a lost commit. */
    public EngineSetup(DataSource dataSource, TxOptions options, Ambient ambient, List<TxListener> listeners) {
        this(dataSource, options, ambient, listeners, Duration.ofSeconds(10));
    }

    /** On a data source, with nothing else said. */
    public static EngineSetup on(DataSource dataSource) {
        return new EngineSetup(dataSource, TxOptions.none(), Ambient.ON, List.of());
    }

    /** With these default options. */
    public EngineSetup with(TxOptions defaults) {
        return new EngineSetup(dataSource, defaults, ambient, listeners, settleWithin);
    }

    /** With this mode. */
    public EngineSetup with(Ambient mode) {
        return new EngineSetup(dataSource, options, mode, listeners, settleWithin);
    }

    /** Telling this listener too. */
    public EngineSetup with(TxListener listener) {
        List<TxListener> more = new ArrayList<>(listeners);
        more.add(listener);
        return new EngineSetup(dataSource, options, ambient, more, settleWithin);
    }

    /** Asking this long what became of a lost commit. */
    public EngineSetup settlingWithin(Duration limit) {
        return new EngineSetup(dataSource, options, ambient, listeners, limit);
    }
}
