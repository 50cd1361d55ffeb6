package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import java.sql.SQLException;

/** A statement was answered when it counted as ended; no database has raised it, so none knows what it is. */
final class AnsweredLate extends SQLException {
    private static final long serialVersionUID = 1L;
    /** Of the standard, as it is for one that was ended. */
    private static final String QUERY_CANCELED = "57014";

    private final FailureKind kind;

    AnsweredLate(String message, FailureKind kind) {
        super(message, QUERY_CANCELED);
        this.kind = kind;
    }

    Failure failure() {
        return Failure.of(this, kind).effect(FailureEffect.SCOPE);
    }
}
