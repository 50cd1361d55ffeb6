/**
 * The conformance suite: what proves a dialect, or an engine, on a real database.
 *
 * <p>The author of a dialect describes a {@link dev.holdfast.tx.testkit.DatabaseUnderTest} and extends
 * {@link dev.holdfast.tx.testkit.DialectConformance}. {@link dev.holdfast.tx.testkit.Conformance} has the cases; each
 * shows a {@link dev.holdfast.tx.testkit.Rule} of the {@link dev.holdfast.tx.testkit.Specification}. A
 * {@link dev.holdfast.tx.testkit.Suite} runs them for any test framework, and the package {@code report} tells what was
 * found. {@link dev.holdfast.tx.testkit.GoldenPlans} and {@link dev.holdfast.tx.testkit.FaultTable} are for the
 * dialect's own tests, and {@code server} has databases to run them on.
 *
 * <p>For tests of applications there are the packages {@code fixture} and {@code junit}. What {@code fault},
 * {@code history} and {@code interleaving} have is for the cases, and may change with them.
 */
@NullMarked
package dev.holdfast.tx.testkit;

import org.jspecify.annotations.NullMarked;
