package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Standing;
import org.jspecify.annotations.Nullable;

/** Where a transaction stands, and the error that brought it there. Guarded by the transaction's turn. */
final class Condition {
    /** Where it stands. */
    enum State {
        /** Nothing was sent. */
        NEW,
        /** BEGIN was sent, or is about to be, and not answered. */
        OPENING,
        /** Open on the server. */
        ACTIVE,
        /** Open on the server, but good for a rollback only. */
        DOOMED,
        /** Ended by the server. */
        ENDED,
        /** The connection is gone. */
        LOST,
        /** Ended by us. */
        OVER
    }

    private State state = State.NEW;
    private @Nullable Throwable gone;

    /** What an error did to a transaction, told by what the driver knows after it; ASK if that is nothing. */
    static FailureEffect effect(DriverState driver) {
        return switch (driver) {
            case OPEN -> FailureEffect.NONE;
            case FAILED -> FailureEffect.SCOPE;
            case IDLE -> FailureEffect.ENDED;
            case UNKNOWN -> FailureEffect.ASK;
        };
    }

    /** What an error did to a transaction, told by what the server says of its {@link Standing}. */
    static FailureEffect effect(@Nullable String standing) {
        if ("open".equals(standing)) {
            return FailureEffect.NONE;
        }
        return "ended".equals(standing) ? FailureEffect.ENDED : FailureEffect.DOOMED;
    }

    /** What an error means for a transaction, from what it did and when. */
    static FailureEffect effect(FailureEffect effect, Phase phase) {
        if (phase == Phase.BEGIN && effect != FailureEffect.LOST) {
            return FailureEffect.ENDED; // whatever was begun is aborted at once
        }
        // A savepoint that could not be had or released leaves nothing to go back to.
        return phase == Phase.SAVEPOINT && effect == FailureEffect.NONE ? FailureEffect.DOOMED : effect;
    }

    boolean is(State asked) {
        return state == asked;
    }

    /** The first error after which the server takes no statement of it; null if there was none. */
    @Nullable
    Throwable gone() {
        return gone;
    }

    /** Its begin message is about to be sent. */
    void opening() {
        state = State.OPENING;
    }

    /** Its begin message was answered well. */
    void opened() {
        state = State.ACTIVE;
    }

    /** Nothing of it has happened: it begins elsewhere. */
    void beginsAgain() {
        state = State.NEW;
    }

    /** An error, or something that nobody told of, keeps it from going on; the first one counts. */
    void goneBy(Throwable error, State newState) {
        if (gone == null) {
            gone = error;
        }
        if (state != State.OVER && state != State.LOST) {
            state = newState;
        }
    }

    /** It holds no connection any more: it was ended by us, if by nothing before. */
    void over() {
        if (gone == null) {
            state = State.OVER;
        }
    }

    @Override
    public String toString() {
        return state.toString();
    }
}
