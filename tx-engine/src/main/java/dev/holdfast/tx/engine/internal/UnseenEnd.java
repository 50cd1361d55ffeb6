package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.TextEffect;
import java.sql.SQLException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Notices that a transaction was ended neither by us nor by an error. What a server commits by itself it does not tell:
 * it is known of the statement, or the driver has noticed. Guarded by the transaction's turn.
 */
final class UnseenEnd {
    /** What has ended it, where that is not known. */
    static final String SOMETHING = "a procedure, a trigger or a statement that commits or rolls back by itself";

    private Prepared prepared;
    private final Condition condition;
    /** The statement that is being executed, if it may end the transaction without a word. */
    private @Nullable String suspect;
    /** What is known of that. */
    private TextEffect suspicion = TextEffect.NONE;
    /** What the driver knew before it, where the dialect wants it to be asked. */
    private DriverState before = DriverState.UNKNOWN;

    /** Whether a statement was sent that may have ended it, and does not tell. */
    private boolean inDoubt;

    private @Nullable TxStateException error;

    UnseenEnd(Prepared prepared, Condition condition) {
        this.prepared = prepared;
        this.condition = condition;
    }

    /** The transaction runs elsewhere than it was prepared for. */
    void movedTo(Prepared elsewhere) {
        prepared = elsewhere;
    }

    /**
     * A statement is about to be executed.
     *
     * @param sql its text; null where there is none
     * @param driver tells what the driver knows
     */
    void executing(@Nullable String sql, Supplier<DriverState> driver) {
        suspect = null;
        if (sql == null) {
            return;
        }
        suspicion = prepared.server().effectOf(sql);
        switch (suspicion) {
            case UNTOLD -> suspect = mayEnd(sql) ? sql : null;
            case MAY_END -> {
                suspect = sql;
                before = driver.get();
                inDoubt = true;
            }
            case COMMITS -> suspect = sql;
            case NONE, CONTROLS -> {}
        }
    }

    private boolean mayEnd(String sql) {
        return definesAndCommits(sql) || (isDriverTrusted() && sql.indexOf(';') >= 0);
    }

    private boolean definesAndCommits(String sql) {
        return isCommittedByDefining() && TransactionText.defines(sql);
    }

    /** Whether what defines something commits. */
    boolean isCommittedByDefining() {
        return !prepared.server().profile.has(Feature.TRANSACTIONAL_DDL);
    }

    /** Whether a driver that knows of no transaction is right, once a statement was answered. */
    private boolean isDriverTrusted() {
        return prepared.plan().commit().fence() == Fence.DRIVER_STATE;
    }

    /** Whether the statement that was executed is one to {@linkplain #lookAfter look after}. */
    boolean isSuspected() {
        return suspect != null;
    }

    /**
     * The suspected statement went well.
     *
     * @param driver tells what the driver knows
     * @param sent whether it, or one before it, has reached the server: a driver that refuses a statement itself may
     *     still hold BEGIN back
     */
    void lookAfter(Supplier<DriverState> driver, boolean sent) {
        String sql = suspect;
        suspect = null;
        if (sql == null || !condition.is(Condition.State.ACTIVE)) {
            return;
        }
        boolean ended = switch (suspicion) {
            case COMMITS -> true;
            case MAY_END -> sent && isTrueOfIdle() && driver.get() == DriverState.IDLE;
            case UNTOLD -> hasEndedUntold(sql, driver.get(), sent);
            case NONE, CONTROLS -> false;
        };
        if (ended) {
            by(quoted(sql));
        }
    }

    /**
     * The suspected statement has failed: what commits by itself may do so and then fail.
     *
     * @param effect of the error; LOST if it is not the database's
     * @param driver tells what the driver knows from before the error
     * @param asked has the server tell the driver, and tells what it knows then; null if the server does not answer
     * @param sent as for {@link #lookAfter}
     */
    void lookAfterFailed(
            FailureEffect effect, Supplier<DriverState> driver, Supplier<@Nullable DriverState> asked, boolean sent) {
        String sql = suspect;
        suspect = null;
        if (sql == null || !condition.is(Condition.State.ACTIVE)) {
            return;
        }
        boolean over = effect == FailureEffect.ENDED || effect == FailureEffect.LOST;
        boolean ended = switch (suspicion) {
            case COMMITS -> true;
            case MAY_END -> over || hasEndedFailing(asked.get());
            case UNTOLD ->
                hasEndedUntold(sql, driver.get(), sent) || (effect == FailureEffect.LOST && definesAndCommits(sql));
            case NONE, CONTROLS -> false;
        };
        if (ended) {
            by(over ? quoted(sql) + ", which may have committed before it failed" : quoted(sql));
        }
    }

    private boolean hasEndedUntold(String sql, DriverState driver, boolean sent) {
        return switch (driver) {
            case IDLE -> sent;
            case UNKNOWN -> definesAndCommits(sql);
            case OPEN, FAILED -> false;
        };
    }

    /** Where nobody tells, what goes on could run outside of every transaction, unless it is found out in the end. */
    private boolean hasEndedFailing(@Nullable DriverState driver) {
        if (driver == null) {
            return true;
        }
        return switch (driver) {
            case IDLE -> isTrueOfIdle();
            case UNKNOWN -> prepared.plan().commit().fence() != Fence.IN_MESSAGE;
            case OPEN, FAILED -> false;
        };
    }

    /** A driver that knew of no transaction before tells nothing by knowing of none. */
    private boolean isTrueOfIdle() {
        return isDriverTrusted() || before == DriverState.OPEN;
    }

    private static String quoted(String sql) {
        return "'" + TransactionText.shortened(sql) + "'";
    }

    /** Whether a statement was sent that may have ended it, and begun another: only a fence tells. */
    boolean isInDoubt() {
        return inDoubt;
    }

    /** It was ended by this. */
    void by(String what) {
        error = Errors.endedUnseen(what);
        condition.goneBy(error, Condition.State.ENDED);
    }

    /** After this error it is gone, and the error does not say that it was rolled back. */
    void shownBy(SQLException sql) {
        error = Errors.endedUnseen(SOMETHING, sql);
        condition.goneBy(sql, Condition.State.ENDED);
    }

    /** That it was ended unseen, so that its work may be committed; null if it was not. */
    @Nullable
    TxStateException error() {
        return error;
    }
}
