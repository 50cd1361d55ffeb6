package dev.holdfast.tx;

/** Whether a running transaction is found without being passed along. */
public enum Ambient {
    /** Code called inside a scope joins it through the {@link Transactor}. The default. */
    ON,
    /** {@link Transactor#transact} always starts a root; joining needs the {@link Tx} handle. */
    OFF
}
