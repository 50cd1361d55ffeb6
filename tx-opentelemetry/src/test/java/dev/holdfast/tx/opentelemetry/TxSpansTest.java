package dev.holdfast.tx.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Reason;
import dev.holdfast.tx.TxEvent.Routed.Skipped;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TxSpansTest {
    private static final TxOptions NONE = TxOptions.none();

    @TempDir
    private Path folder;

    private final KeptSpans spans = new KeptSpans();
    private final OpenTelemetrySdk telemetry = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .build();
    private final TxSpans listener = TxSpans.by(telemetry, "sqlite", "shop");
    private Transactor db;

    @BeforeEach
    void connect() {
        db = Holdfast.builder("jdbc:sqlite:" + folder.resolve("shop.db"))
                .listener(listener)
                .build();
        db.execute(tx -> run(tx, "create table item (id integer primary key)"));
        spans.clear();
    }

    @AfterEach
    void disconnect() {
        db.close();
        telemetry.close();
    }

    private static void run(Tx tx, String sql) throws SQLException {
        try (Statement statement = tx.connection().createStatement()) {
            statement.execute(sql);
        }
    }

    /** Does it while a span is current, which is the last to end. */
    private Span below(Runnable work) {
        Span caller = telemetry.getTracer("test").spanBuilder("caller").startSpan();
        try {
            Context.current().with(caller).wrap(work).run();
        } finally {
            caller.end();
        }
        return caller;
    }

    private SpanData only() {
        assertThat(spans.all()).hasSize(1);
        return spans.all().get(0);
    }

    private static @Nullable String text(SpanData span, String attribute) {
        return span.getAttributes().get(AttributeKey.stringKey(attribute));
    }

    @Test
    void a_transaction_is_a_span_below_the_current_one_by_the_names_of_the_conventions() {
        Span caller = below(() -> db.execute(NONE.label("checkout"), tx -> run(tx, "insert into item values (1)")));
        SpanData span = spans.all().get(0);
        assertThat(span.getParentSpanId()).isEqualTo(caller.getSpanContext().getSpanId());
        assertThat(span.getName()).isEqualTo("TRANSACTION shop");
        assertThat(span.getKind()).isEqualTo(SpanKind.CLIENT);
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(text(span, "db.system.name")).isEqualTo("sqlite");
        assertThat(text(span, "db.namespace")).isEqualTo("shop");
        assertThat(text(span, "db.operation.name")).isEqualTo("TRANSACTION");
        assertThat(text(span, "holdfast.transaction.label")).isEqualTo("checkout");
        assertThat(text(span, "holdfast.transaction.outcome")).isEqualTo("committed");
        assertThat(text(span, "error.type")).isNull();
    }

    @Test
    void an_error_of_the_database_is_told_by_its_code_and_without_its_message() {
        assertThatThrownBy(() -> db.execute(tx -> {
                    run(tx, "insert into item values (1)");
                    run(tx, "insert into item values (1)");
                }))
                .isInstanceOf(SQLException.class);
        SpanData span = only();
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(span.getStatus().getDescription()).isEmpty();
        assertThat(text(span, "db.response.status_code")).matches("[0-9]+");
        assertThat(text(span, "error.type")).isEqualTo(text(span, "db.response.status_code"));
        assertThat(text(span, "holdfast.transaction.reason")).isEqualTo("body_failed");
        assertThat(span.getEvents()).isEmpty();
    }

    @Test
    void an_error_of_the_body_is_told_by_its_class() {
        assertThatThrownBy(() -> db.execute(tx -> {
                    run(tx, "insert into item values (1)");
                    throw new IllegalStateException("planned");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(text(only(), "error.type")).isEqualTo("java.lang.IllegalStateException");
        assertThat(text(only(), "db.response.status_code")).isNull();
    }

    @Test
    void a_rollback_that_was_asked_for_is_no_error() {
        db.execute(tx -> {
            run(tx, "insert into item values (1)");
            tx.setRollbackOnly("a dry run");
        });
        assertThat(only().getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(text(only(), "holdfast.transaction.outcome")).isEqualTo("rolled_back");
        assertThat(text(only(), "holdfast.transaction.reason")).isEqualTo("requested");
    }

    @Test
    void what_sends_nothing_has_no_span_unless_it_fails() {
        db.execute(tx -> {});
        assertThat(spans.all()).isEmpty();
        assertThatThrownBy(() -> db.execute(tx -> {
                    throw new IllegalStateException("planned");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(text(only(), "error.type")).isEqualTo("java.lang.IllegalStateException");
    }

    @Test
    void each_attempt_is_a_span_and_the_callers_tells_why_there_was_another() {
        AtomicInteger attempts = new AtomicInteger();
        RetryPolicy twice =
                RetryPolicy.attempts(2).on(FailureKind.UNIQUE).backoff(Duration.ofNanos(1), Duration.ofNanos(1));
        below(() -> db.execute(NONE.retry(twice), tx -> {
            run(tx, "insert into item values (1)");
            if (attempts.incrementAndGet() == 1) {
                run(tx, "insert into item values (1)");
            }
        }));
        assertThat(spans.all()).hasSize(3);
        AttributeKey<Long> attempt = AttributeKey.longKey("holdfast.transaction.attempt");
        assertThat(spans.all().subList(0, 2))
                .extracting(span -> span.getAttributes().get(attempt))
                .containsExactly(1L, 2L);
        EventData retrying = spans.all().get(2).getEvents().get(0);
        assertThat(retrying.getName()).isEqualTo("holdfast.transaction.retrying");
        assertThat(retrying.getAttributes().get(AttributeKey.stringKey("holdfast.failure.kind")))
                .isEqualTo("unique");
    }

    @Test
    void where_it_was_sent_what_was_settled_and_what_was_warned_of_is_on_its_span() {
        Throwable opened = new Throwable();
        listener.on(new TxEvent.Routed(7, null, "PostgreSQL 18.6 at here", Why.BEHIND, List.of()));
        listener.on(new TxEvent.Begun(7, null, NONE, 1, Duration.ZERO, List.of()));
        listener.on(new TxEvent.OpenTooLong(7, null, Duration.ofSeconds(1), "a connection", opened));
        listener.on(new TxEvent.Settled(7, null, new Outcome.Committed(), Duration.ZERO));
        listener.on(new TxEvent.Ended(7, null, new Outcome.Committed(), 1, Duration.ZERO));
        assertThat(text(only(), "holdfast.route.server")).isEqualTo("PostgreSQL 18.6 at here");
        assertThat(text(only(), "holdfast.route.why")).isEqualTo("behind");
        assertThat(text(only(), "holdfast.transaction.settled")).isEqualTo("committed");
        assertThat(only().getEvents())
                .extracting(EventData::getName)
                .containsExactly("holdfast.transaction.open_too_long");
    }

    @Test
    void one_that_lost_its_replica_at_the_first_statement_tells_where_it_was_in_the_end() {
        listener.on(new TxEvent.Routed(
                7, null, "PostgreSQL 18.6 at here", Why.REPLICA, List.of(new Skipped("there", Reason.NOT_BEGUN))));
        listener.on(new TxEvent.Begun(7, null, NONE, 1, Duration.ZERO, List.of()));
        listener.on(new TxEvent.Routed(
                7, null, "PostgreSQL 18.6 at home", Why.NONE_HEALTHY, List.of(new Skipped("here", Reason.LOST))));
        listener.on(new TxEvent.Ended(7, null, new Outcome.Committed(), 1, Duration.ZERO));
        assertThat(text(only(), "holdfast.route.server")).isEqualTo("PostgreSQL 18.6 at home");
        assertThat(text(only(), "holdfast.route.why")).isEqualTo("none_healthy");
        assertThat(only().getAttributes().get(AttributeKey.longKey("holdfast.route.skipped")))
                .isEqualTo(2);
    }

    @Test
    void a_span_whose_transaction_was_lost_is_ended() {
        listener.on(new TxEvent.Begun(7, null, NONE, 1, Duration.ZERO, List.of()));
        listener.on(new TxEvent.Leaked(7, null, Duration.ofSeconds(1), "a connection", new Throwable()));
        assertThat(text(only(), "error.type")).isEqualTo("leaked");
    }
}
