/** The first example of the README, in Java and in Kotlin, and the table of what it becomes. */
@NullMarked
package dev.holdfast.samples.firstscreen;

import org.jspecify.annotations.NullMarked;
