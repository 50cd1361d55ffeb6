/** What proves a dialect or an engine: golden plans, and {@code server} with real databases to run tests on. */
@NullMarked
package dev.holdfast.tx.testkit;

import org.jspecify.annotations.NullMarked;
