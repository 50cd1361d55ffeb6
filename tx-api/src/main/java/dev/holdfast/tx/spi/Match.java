package dev.holdfast.tx.spi;

/** How well a dialect fits a database. The best match is taken; two equally good ones are an error. */
public enum Match {
    /** Not at all. */
    NO,
    /** A member of the family that it does not know by name. */
    FAMILY,
    /** Made for it. */
    EXACT
}
