/**
 * What concurrent transactions read and wrote, and whether an isolation level allows it: a workload that records a history,
 * and a checker that looks for what must not be in it. Needs no test framework.
 *
 * <p>The conformance cases that use it keep their histories in {@code target/conformance/histories}, or where
 * {@code -Dholdfast.histories} says; {@code -Dholdfast.seed} draws other transactions, and {@code -Dholdfast.soak=true} runs
 * the long one.
 */
@NullMarked
package dev.holdfast.tx.testkit.history;

import org.jspecify.annotations.NullMarked;
