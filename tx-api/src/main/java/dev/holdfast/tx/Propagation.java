package dev.holdfast.tx;

/** How a scope relates to a transaction that is already running. Without one, all but {@link #MANDATORY} start one. */
public enum Propagation {
    /** Joins the running transaction: one fate for both. The default. */
    REUSE,
    /** Opens a savepoint in the running transaction: a failure of the scope, caught, leaves the outer one unharmed. */
    SAVEPOINT,
    /** Starts a transaction of its own on a second connection, whatever is running. */
    SEPARATE,
    /** Joins the running transaction; without one the scope is rejected. */
    MANDATORY,
    /** Must be the root: inside a running transaction the scope is rejected. */
    ROOT_ONLY
}
