package dev.holdfast.tx.spi;

import dev.holdfast.tx.RowLock;
import org.jspecify.annotations.Nullable;

/** When an error happened: the same code means different things at different moments. Immutable. */
public final class Moment {
    /** What was being done. */
    public enum Phase {
        /** A connection was being had. */
        ACQUIRE,
        /** The begin message. */
        BEGIN,
        /** A statement of the caller's. */
        STATEMENT,
        /** Setting a savepoint, releasing it or rolling back to it. */
        SAVEPOINT,
        /** The commit message. */
        COMMIT,
        /** The abort message. */
        ABORT,
        /** A statement outside every transaction. */
        OUTSIDE
    }

    /** Who cancelled the statement. */
    public enum Cancelled {
        /** Nobody that the engine knows of. */
        NOT,
        /** The engine, for a limit of the options. */
        BY_LIMIT,
        /** The caller, through {@code Statement.cancel}. */
        BY_CALLER
    }

    private final Phase phase;
    private final Wish wish;
    private final @Nullable RowLock lock;
    private final Cancelled cancelled;
    private final DriverState driverState;

    private Moment(Phase phase, Wish wish, @Nullable RowLock lock, Cancelled cancelled, DriverState driverState) {
        this.phase = phase;
        this.wish = wish;
        this.lock = lock;
        this.cancelled = cancelled;
        this.driverState = driverState;
    }

    /** A moment without a lock or a cancel, of which the driver says nothing. */
    public static Moment of(Phase phase, Wish wish) {
        return new Moment(phase, wish, null, Cancelled.NOT, DriverState.UNKNOWN);
    }

    /** With the lock that the statement asked for. */
    public Moment lock(@Nullable RowLock lock) {
        return new Moment(phase, wish, lock, cancelled, driverState);
    }

    /** With who cancelled the statement. */
    public Moment cancelled(Cancelled cancelled) {
        return new Moment(phase, wish, lock, cancelled, driverState);
    }

    /** With what the driver says of the transaction after the error. */
    public Moment driverState(DriverState state) {
        return new Moment(phase, wish, lock, cancelled, state);
    }

    /** What was being done. */
    public Phase phase() {
        return phase;
    }

    /** What the transaction must be. */
    public Wish wish() {
        return wish;
    }

    /** The lock that the statement asked for through {@code Tx.lock}; null if none. */
    public @Nullable RowLock lock() {
        return lock;
    }

    /** Who cancelled the statement. */
    public Cancelled cancelled() {
        return cancelled;
    }

    /** What the driver says of the transaction after the error. */
    public DriverState driverState() {
        return driverState;
    }

    @Override
    public String toString() {
        return phase + ", driver says " + driverState + ", cancelled " + cancelled;
    }
}
