/** Spans of transactions, for OpenTelemetry. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.opentelemetry {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires transitive io.opentelemetry.api;

    exports dev.holdfast.tx.opentelemetry;
}
