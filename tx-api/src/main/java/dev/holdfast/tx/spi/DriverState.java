package dev.holdfast.tx.spi;

/** What a driver knows of the transaction on its connection. */
public enum DriverState {
    /** None is open. */
    IDLE,
    /** One is open. */
    OPEN,
    /** One is open and aborted. */
    FAILED,
    /** The driver does not tell. */
    UNKNOWN
}
