package dev.holdfast.tx.micrometer;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter.MeterProvider;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Meters of the transactions of one {@code Transactor}, made from what its listeners are told. Names are those of the
 * OpenTelemetry database conventions where these have one, and begin with {@code holdfast} where not. Every meter has the tags
 * {@code db.system.name} and {@code db.namespace}; the values of all tags are few.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>kind</th><th>tags</th></tr>
 * <tr><td>{@code holdfast.transaction.duration}</td><td>timer, one for each attempt</td><td>outcome, reason</td></tr>
 * <tr><td>{@code holdfast.transaction.open}</td><td>gauge: those that hold a connection</td><td></td></tr>
 * <tr><td>{@code db.client.connection.wait_time}</td><td>timer</td><td>db.client.connection.pool.name: the namespace</td></tr>
 * <tr><td>{@code holdfast.transaction.retries}</td><td>counter</td><td>failure: kind of it</td></tr>
 * <tr><td>{@code holdfast.transaction.settlements}</td><td>counter of COMMITs whose answer was lost and asked for</td>
 *     <td>outcome</td></tr>
 * <tr><td>{@code holdfast.transaction.routes}</td><td>counter, where there are replicas</td><td>server, why</td></tr>
 * <tr><td>{@code holdfast.replicas.skipped}</td><td>counter of replicas that were tried by a transaction in vain, each once for
 *     each attempt of it</td><td>server, reason</td></tr>
 * <tr><td>{@code holdfast.connections.evicted}</td><td>counter</td><td></td></tr>
 * <tr><td>{@code holdfast.transaction.warnings}</td><td>counter</td><td>warning: open_too_long or leaked</td></tr>
 * </table>
 */
public final class TxMeters implements TxListener {
    private final boolean labels;
    /** The numbers of transactions that have begun and not ended. */
    private final Set<Long> open = ConcurrentHashMap.newKeySet();

    private final MeterProvider<Timer> duration;
    private final MeterProvider<Timer> waitTime;
    private final MeterProvider<Counter> retries;
    private final MeterProvider<Counter> settlements;
    private final MeterProvider<Counter> routes;
    private final MeterProvider<Counter> skipped;
    private final MeterProvider<Counter> evicted;
    private final MeterProvider<Counter> warnings;

    private TxMeters(MeterRegistry registry, String system, String namespace, boolean labels) {
        this.labels = labels;
        Tags tags = Tags.of("db.system.name", system, "db.namespace", namespace);
        this.duration =
                Timer.builder("holdfast.transaction.duration").tags(tags).withRegistry(registry);
        this.waitTime = Timer.builder("db.client.connection.wait_time")
                .tags(tags.and("db.client.connection.pool.name", namespace))
                .withRegistry(registry);
        this.retries = counter(registry, "holdfast.transaction.retries", tags);
        this.settlements = counter(registry, "holdfast.transaction.settlements", tags);
        this.routes = counter(registry, "holdfast.transaction.routes", tags);
        this.skipped = counter(registry, "holdfast.replicas.skipped", tags);
        this.evicted = counter(registry, "holdfast.connections.evicted", tags);
        this.warnings = counter(registry, "holdfast.transaction.warnings", tags);
        Gauge.builder("holdfast.transaction.open", open, Set::size).tags(tags).register(registry);
    }

    private static MeterProvider<Counter> counter(MeterRegistry registry, String name, Tags tags) {
        return Counter.builder(name).tags(tags).withRegistry(registry);
    }

    /**
     * Meters in a registry. For one {@code Transactor}: another one has listeners of its own.
     *
     * @param system the database, as the conventions call it: {@code postgresql}, {@code mysql}, {@code mariadb},
     *     {@code microsoft.sql_server}, {@code sqlite}
     * @param namespace the name of the database, which tells it from others
     */
    public static TxMeters in(MeterRegistry registry, String system, String namespace) {
        return new TxMeters(registry, system, namespace, false);
    }

    /**
     * As {@link #in}, with the label as a tag of durations, retries and warnings; {@code none} where there is none. Labels must
     * be few then.
     */
    public static TxMeters withLabels(MeterRegistry registry, String system, String namespace) {
        return new TxMeters(registry, system, namespace, true);
    }

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Begun begun) {
            open.add(begun.transaction());
            waitTime.withTags().record(begun.acquiring());
        } else if (event instanceof TxEvent.Ended ended) {
            open.remove(ended.transaction());
            duration.withTags(
                            labelled(event, "outcome", outcome(ended.outcome())).and("reason", reason(ended.outcome())))
                    .record(ended.lasted());
        } else if (event instanceof TxEvent.Retrying retrying) {
            retries.withTags(labelled(event, "failure", lower(retrying.failure().kind())))
                    .increment();
        } else if (event instanceof TxEvent.Settled settled) {
            settlements.withTag("outcome", outcome(settled.outcome())).increment();
        } else if (event instanceof TxEvent.Routed routed) {
            routes.withTags("server", routed.server(), "why", lower(routed.why()))
                    .increment();
            routed.skipped()
                    .forEach(each -> skipped.withTags("server", each.server(), "reason", lower(each.reason()))
                            .increment());
        } else if (event instanceof TxEvent.Evicted) {
            evicted.withTags().increment();
        } else if (event instanceof TxEvent.OpenTooLong) {
            warnings.withTags(labelled(event, "warning", "open_too_long")).increment();
        } else if (event instanceof TxEvent.Leaked) {
            warnings.withTags(labelled(event, "warning", "leaked")).increment();
        }
    }

    private Tags labelled(TxEvent event, String tag, String value) {
        Tags tags = Tags.of(tag, value);
        return labels ? tags.and("label", Objects.requireNonNullElse(event.label(), "none")) : tags;
    }

    private static String outcome(Outcome outcome) {
        return outcome instanceof Outcome.Committed
                ? "committed"
                : outcome instanceof Outcome.RolledBack ? "rolled_back" : "unknown";
    }

    private static String reason(Outcome outcome) {
        return outcome instanceof Outcome.RolledBack rolledBack ? lower(rolledBack.reason()) : "none";
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
