/** What Holdfast costs, beside JDBC written by hand on the same pool. */
@NullMarked
package dev.holdfast.tx.benchmarks;

import org.jspecify.annotations.NullMarked;
