@NullMarked
package dev.holdfast.samples.docs;

import org.jspecify.annotations.NullMarked;
