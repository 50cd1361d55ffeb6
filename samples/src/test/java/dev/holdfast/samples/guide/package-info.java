@NullMarked
package dev.holdfast.samples.guide;

import org.jspecify.annotations.NullMarked;
