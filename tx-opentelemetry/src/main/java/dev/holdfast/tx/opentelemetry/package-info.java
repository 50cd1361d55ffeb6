/** Spans of transactions, for OpenTelemetry. */
@NullMarked
package dev.holdfast.tx.opentelemetry;

import org.jspecify.annotations.NullMarked;
