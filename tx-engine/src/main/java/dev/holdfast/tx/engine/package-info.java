/** Where a program starts: {@link dev.holdfast.tx.engine.Holdfast} makes a {@link dev.holdfast.tx.Transactor}. */
@NullMarked
package dev.holdfast.tx.engine;

import org.jspecify.annotations.NullMarked;
