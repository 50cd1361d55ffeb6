package dev.holdfast.samples.firstscreen;

/** Something outside of the database, which no rollback reaches. */
@FunctionalInterface
public interface Mail {
    /** Tells a customer that money has come. */
    void send(int customer);
}
