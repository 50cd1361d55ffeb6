/** The examples of the guide, one method each. */
@NullMarked
package dev.holdfast.samples.guide;

import org.jspecify.annotations.NullMarked;
