package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The words of errors that are about a transaction: what was tried, on which server, and what to do next. */
final class Errors {
    private Errors() {}

    static TxRolledBackException rolledBack(
            Profile profile,
            String what,
            Outcome.RolledBack outcome,
            @Nullable Failure failure,
            @Nullable String label) {
        Throwable cause = outcome.cause();
        String first = cause == null ? "" : ": " + firstLine(cause);
        String why = switch (outcome.reason()) {
            case JOINED_SCOPE_FAILED ->
                "a scope that had joined it failed" + first
                        + "; let that exception pass, or open the inner scope with nested(…) to survive it";
            case CHILD_STILL_OPEN ->
                "a child scope was still open when the body ended" + first
                        + "; end what other threads do with the transaction before the body returns";
            case ENDED_BY_SERVER ->
                "an earlier error had ended it" + first
                        + "; let that exception pass, or wrap the statement in nested(…) to survive it";
            case COMMIT_REFUSED ->
                (failure != null && failure.effect() == FailureEffect.LOST
                                ? "the connection was lost at the commit"
                                : "the server refused the commit")
                        + first;
            case REQUESTED -> "setRollbackOnly was called on it; call rollback() where that is wanted";
            case TIMED_OUT -> "it ran out of time" + first;
            default -> outcome.reason() + first;
        };
        return new TxRolledBackException(
                what + " on " + profile + " was rolled back instead of committed: " + why, outcome, failure, label);
    }

    static TxOutcomeUnknownException unknown(
            Profile profile, @Nullable Failure failure, @Nullable String label, Throwable cause) {
        if (cause instanceof TxStateException) {
            return new TxOutcomeUnknownException(
                    firstLine(cause) + " on " + profile + ", so it is unknown whether its work is committed. Leave the"
                            + " beginning and ending of transactions to Holdfast",
                    failure,
                    label,
                    cause);
        }
        String notSettled = Arrays.stream(cause.getSuppressed())
                .filter(Settling.NotSettled.class::isInstance)
                .findFirst()
                .map(why -> ". " + firstLine(why))
                .orElse(", or ask for verifiable() to have it settled");
        return new TxOutcomeUnknownException(
                "COMMIT was sent to " + profile + " and its answer was lost: " + firstLine(cause)
                        + "; the transaction may be there or not. Look for its effect before running it again"
                        + notSettled,
                failure,
                label,
                cause);
    }

    /** A transaction that neither we nor an error has ended. */
    static TxStateException endedUnseen(String by) {
        return endedUnseen(by, null);
    }

    /**
     * What has ended a transaction, by itself or by a statement's text, as an error has shown.
     *
     * @param shownBy null if there was no error
     */
    static TxStateException endedUnseen(String by, @Nullable Throwable shownBy) {
        return new TxStateException(
                "The transaction was ended behind Holdfast's back, by " + by
                        + "; run what commits by itself outside of transactions",
                shownBy);
    }

    /** A statement that must not be sent, because what it belongs to is gone. */
    static SQLException gone(Profile profile, String state, Throwable first) {
        return Refused.of(new TxStateException(
                "The statement was not sent: an earlier error " + state + " on " + profile + ": " + firstLine(first)
                        + "; let that exception pass, or wrap the failing statement in nested(…) to survive it",
                first));
    }

    /** A write in a transaction that was sent somewhere to read. */
    static SQLException writeWhereRead(String where, Failure failure) {
        SQLException error = failure.error();
        return new SQLException(
                "A write was refused in a transaction that reads, which was sent to " + where + ": " + firstLine(error)
                        + "; make the transaction READ_WRITE, or write in another one",
                error.getSQLState(),
                error.getErrorCode(),
                error);
    }

    static TxStateException ended(@Nullable String label, String what) {
        return new TxStateException((label == null ? "" : "[" + label + "] ") + what
                + " was asked of a transaction scope that has ended;" + " use a handle only inside its own scope");
    }

    private static String firstLine(Throwable error) {
        String message = error.getMessage();
        String text = message == null ? error.getClass().getName() : message;
        int line = text.indexOf('\n');
        return line < 0 ? text : text.substring(0, line);
    }
}
