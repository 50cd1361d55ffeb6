package dev.holdfast.tx;

/** How SQLite takes its lock at the start of a transaction; refused by databases that know no such thing. */
public enum BeginMode {
    /** At the first read or write, whichever comes. */
    DEFERRED,
    /** The write lock at once: other writers wait, readers go on. */
    IMMEDIATE,
    /** The whole database; the same as {@link #IMMEDIATE} in WAL mode. */
    EXCLUSIVE
}
