package dev.holdfast.tx;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * An error of a database, classified by its dialect: what it is, what it did to the transaction, and what it means as
 * the answer to COMMIT. Immutable.
 */
public final class Failure {
    private final SQLException error;
    private final FailureKind kind;
    private final FailureEffect effect;
    private final CommitFate atCommit;

    private Failure(SQLException error, FailureKind kind, FailureEffect effect, CommitFate atCommit) {
        this.error = error;
        this.kind = kind;
        this.effect = effect;
        this.atCommit = atCommit;
    }

    /** An error of this kind that undid its statement only, and that as the answer to COMMIT settles nothing. */
    public static Failure of(SQLException error, FailureKind kind) {
        return new Failure(error, kind, FailureEffect.NONE, CommitFate.UNKNOWN);
    }

    /** With this effect on the transaction. */
    public Failure effect(FailureEffect effect) {
        return new Failure(error, kind, effect, atCommit);
    }

    /** With this meaning as the answer to COMMIT. */
    public Failure atCommit(CommitFate fate) {
        return new Failure(error, kind, effect, fate);
    }

    /** What the driver raised. */
    public SQLException error() {
        return error;
    }

    /** What went wrong. */
    public FailureKind kind() {
        return kind;
    }

    /** What it did to the transaction. */
    public FailureEffect effect() {
        return effect;
    }

    /** What it means as the answer to COMMIT. */
    public CommitFate atCommit() {
        return atCommit;
    }

    /** The SQLState; null where the driver gives none. */
    public @Nullable String sqlState() {
        return error.getSQLState();
    }

    /** The vendor's code; 0 where the driver gives none. */
    public int vendorCode() {
        return error.getErrorCode();
    }

    @Override
    public String toString() {
        return kind + " (SQLState " + sqlState() + ", code " + vendorCode() + ")";
    }
}
