/** Plays transactions against each other, step by step, and knows which of them waits. */
@NullMarked
package dev.holdfast.tx.testkit.interleaving;

import org.jspecify.annotations.NullMarked;
