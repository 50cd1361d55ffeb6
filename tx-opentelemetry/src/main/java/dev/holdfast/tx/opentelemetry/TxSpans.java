package dev.holdfast.tx.opentelemetry;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Spans of the transactions of one {@code Transactor}, made from what its listeners are told: one for each attempt, from when
 * its connection was asked for to its end, as a child of the span that is current where its first statement is sent. It is not made
 * current itself: spans of statements stand beside it. An attempt that sent nothing and did well has none.
 *
 * <p>Names and attributes are those of the OpenTelemetry database conventions as of 1.33.0, the first that are stable:
 * {@code db.system.name}, {@code db.namespace}, {@code db.operation.name}, {@code error.type} and
 * {@code db.response.status_code}, which is the vendor's code, or the SQLState where there is none. What they have no name for
 * begins with {@code holdfast}. A rollback that was asked for is no error. No message of an error is passed on: it may hold data.
 */
public final class TxSpans implements TxListener {
    private static final String OPERATION = "TRANSACTION";

    private static final AttributeKey<String> DB_SYSTEM = AttributeKey.stringKey("db.system.name");
    private static final AttributeKey<String> DB_NAMESPACE = AttributeKey.stringKey("db.namespace");
    private static final AttributeKey<String> DB_OPERATION = AttributeKey.stringKey("db.operation.name");

    private static final AttributeKey<String> LABEL = AttributeKey.stringKey("holdfast.transaction.label");
    private static final AttributeKey<Long> ATTEMPT = AttributeKey.longKey("holdfast.transaction.attempt");
    private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("holdfast.transaction.outcome");
    private static final AttributeKey<String> REASON = AttributeKey.stringKey("holdfast.transaction.reason");
    private static final AttributeKey<String> SETTLED = AttributeKey.stringKey("holdfast.transaction.settled");
    private static final AttributeKey<String> HOLDS = AttributeKey.stringKey("holdfast.transaction.holds");
    private static final AttributeKey<String> SERVER = AttributeKey.stringKey("holdfast.route.server");
    private static final AttributeKey<String> WHY = AttributeKey.stringKey("holdfast.route.why");
    private static final AttributeKey<Long> SKIPPED = AttributeKey.longKey("holdfast.route.skipped");
    private static final AttributeKey<String> FAILURE = AttributeKey.stringKey("holdfast.failure.kind");

    private final Tracer tracer;
    private final String name;
    private final Attributes ofAll;
    private final Map<Long, Span> open = new ConcurrentHashMap<>();
    /** Of transactions that have not begun yet. */
    private final Map<Long, TxEvent.Routed> routes = new ConcurrentHashMap<>();

    private TxSpans(OpenTelemetry telemetry, String system, String namespace) {
        this.tracer = telemetry
                .tracerBuilder("dev.holdfast.tx")
                .setSchemaUrl("https://opentelemetry.io/schemas/1.33.0")
                .build();
        this.name = OPERATION + " " + namespace;
        this.ofAll = Attributes.of(DB_SYSTEM, system, DB_NAMESPACE, namespace, DB_OPERATION, OPERATION);
    }

    /**
     * Spans by this tracing. For one {@code Transactor}: another one has listeners of its own.
     *
     * @param system the database, as the conventions call it: {@code postgresql}, {@code mysql}, {@code mariadb},
     *     {@code microsoft.sql_server}, {@code sqlite}
     * @param namespace the name of the database
     */
    public static TxSpans by(OpenTelemetry telemetry, String system, String namespace) {
        return new TxSpans(telemetry, system, namespace);
    }

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Routed routed) {
            TxEvent.Routed all = routes.merge(routed.transaction(), routed, TxSpans::together);
            Span begun = open.get(routed.transaction());
            if (begun != null) { // its replica was lost at the first statement
                route(begun, all);
            }
        } else if (event instanceof TxEvent.Begun begun) {
            open.put(begun.transaction(), start(begun, begun.attempt(), begun.acquiring()));
        } else if (event instanceof TxEvent.Ended ended) {
            ended(ended);
        } else if (event instanceof TxEvent.Retrying retrying) {
            Span.current() // the caller's: that of the attempt has ended
                    .addEvent(
                            "holdfast.transaction.retrying",
                            Attributes.of(
                                    ATTEMPT,
                                    (long) retrying.attempt(),
                                    FAILURE,
                                    lower(retrying.failure().kind())));
        } else if (event instanceof TxEvent.Leaked leaked) {
            Span span = open.remove(leaked.transaction());
            routes.remove(leaked.transaction());
            if (span != null) {
                span.setAttribute("error.type", "leaked").setStatus(StatusCode.ERROR);
                span.end();
            }
        } else {
            tell(event, open.get(event.transaction()));
        }
    }

    private Span start(TxEvent event, int attempt, Duration ago) {
        TxEvent.Routed routed = routes.get(event.transaction());
        Span span = tracer.spanBuilder(name)
                .setSpanKind(SpanKind.CLIENT)
                .setStartTimestamp(Instant.now().minus(ago))
                .setAllAttributes(ofAll)
                .setAttribute(ATTEMPT, (long) attempt)
                .startSpan();
        if (event.label() != null) {
            span.setAttribute(LABEL, event.label());
        }
        if (routed != null) {
            route(span, routed);
        }
        return span;
    }

    private static void route(Span span, TxEvent.Routed routed) {
        span.setAttribute(SERVER, routed.server())
                .setAttribute(WHY, lower(routed.why()))
                .setAttribute(SKIPPED, (long) routed.skipped().size());
    }

    /** Where it is now, and all that were skipped. */
    private static TxEvent.Routed together(TxEvent.Routed before, TxEvent.Routed now) {
        List<TxEvent.Routed.Skipped> skipped = new ArrayList<>(before.skipped());
        skipped.addAll(now.skipped());
        return new TxEvent.Routed(now.transaction(), now.label(), now.server(), now.why(), skipped);
    }

    private static void tell(TxEvent event, @Nullable Span span) {
        if (span == null) {
            return;
        }
        if (event instanceof TxEvent.Settled settled) {
            span.setAttribute(SETTLED, outcome(settled.outcome()));
        } else if (event instanceof TxEvent.Evicted) {
            span.addEvent("holdfast.connection.evicted");
        } else if (event instanceof TxEvent.OpenTooLong warned) {
            span.addEvent("holdfast.transaction.open_too_long", Attributes.of(HOLDS, warned.holds()));
        }
    }

    private void ended(TxEvent.Ended ended) {
        Throwable error = errorOf(ended.outcome());
        Span begun = open.remove(ended.transaction());
        if (begun == null && error == null) {
            routes.remove(ended.transaction());
            return; // nothing was sent
        }
        Span span = begun == null ? start(ended, ended.attempt(), ended.lasted()) : begun;
        routes.remove(ended.transaction());
        span.setAttribute(OUTCOME, outcome(ended.outcome()));
        if (ended.outcome() instanceof Outcome.RolledBack rolledBack) {
            span.setAttribute(REASON, lower(rolledBack.reason()));
        }
        if (error != null) {
            ErrorType.of(error).on(span);
            span.setStatus(StatusCode.ERROR);
        }
        span.end();
    }

    /** Null for one that went as it was asked for. */
    private static @Nullable Throwable errorOf(Outcome outcome) {
        return outcome instanceof Outcome.Unknown unknown
                ? unknown.cause()
                : outcome instanceof Outcome.RolledBack rolledBack ? rolledBack.cause() : null;
    }

    private static String outcome(Outcome outcome) {
        return outcome instanceof Outcome.Committed
                ? "committed"
                : outcome instanceof Outcome.RolledBack ? "rolled_back" : "unknown";
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
