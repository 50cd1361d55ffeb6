/** Meters of transactions, for Micrometer. */
@NullMarked
package dev.holdfast.tx.micrometer;

import org.jspecify.annotations.NullMarked;
