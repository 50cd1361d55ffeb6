@NullMarked
package dev.holdfast.samples.bank;

import org.jspecify.annotations.NullMarked;
