package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Standing;
import dev.holdfast.tx.spi.Step;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** What is asked about a transaction after an error that does not tell what it did. */
final class AskedAfterErrors {
    /** Has the server answer, and begins no transaction. */
    private static final Message QUESTION = Message.each(Step.sql("SELECT 1"));

    private AskedAfterErrors() {}

    /**
     * What the driver knows once the server has answered something: errors carry no news for some drivers.
     *
     * @return null if the server did not answer
     */
    static @Nullable DriverState state(Transaction transaction) {
        if (transaction.driverState() == DriverState.UNKNOWN) {
            return DriverState.UNKNOWN;
        }
        try {
            transaction.lease().perform(QUESTION);
            return transaction.driverState();
        } catch (SQLException | RuntimeException e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "Whether a transaction is still open could not be asked", e);
            return null;
        }
    }

    /** What the error did to the transaction, as the server says. */
    static FailureEffect effect(Transaction transaction, SQLException error, Phase phase) {
        Server server = transaction.prepared.server();
        Standing standing = phase == Phase.STATEMENT || phase == Phase.SAVEPOINT
                ? server.dialect.standing(server.profile).orElse(null)
                : null;
        if (standing == null) {
            return FailureEffect.DOOMED;
        }
        try {
            FailureEffect effect = Condition.effect(transaction.lease().ask(standing.question(), Standing.STATE));
            if (effect == FailureEffect.ENDED) {
                transaction.unseenEnd.shownBy(error);
            }
            return effect;
        } catch (SQLException | RuntimeException e) {
            Thrown.suppress(error, e);
            return FailureEffect.LOST;
        }
    }
}
