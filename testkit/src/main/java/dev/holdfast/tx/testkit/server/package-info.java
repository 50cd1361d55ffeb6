/** Real database servers to run tests on. */
@NullMarked
package dev.holdfast.tx.testkit.server;

import org.jspecify.annotations.NullMarked;
