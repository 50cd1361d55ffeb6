@NullMarked
package dev.holdfast.samples.firstscreen;

import org.jspecify.annotations.NullMarked;
