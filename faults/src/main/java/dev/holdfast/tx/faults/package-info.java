/** The bank under faults: whether what callers are told is what the database says, whatever breaks. */
@NullMarked
package dev.holdfast.tx.faults;

import org.jspecify.annotations.NullMarked;
