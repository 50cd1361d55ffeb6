package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Takes a connection for a transaction or a loan: refuses to wait for what the caller itself holds, and keeps limits. */
final class Acquiring {
    private Acquiring() {}

    static Connection connection(Transaction transaction, @Nullable Deadline scopeDeadline) throws SQLException {
        Prepared prepared = transaction.prepared;
        TxOptions options = prepared.options();
        refuseToWaitForOneself(prepared.server(), options, transaction);
        Deadline deadline = Deadline.sooner(transaction.deadline, scopeDeadline);
        if (options.acquireTimeout() != null) {
            deadline = Deadline.sooner(
                    deadline,
                    Deadline.after(
                            transaction.engine.now(), TxTimeoutException.Limit.ACQUIRE, options.acquireTimeout()));
        }
        return from(transaction.engine, prepared, deadline);
    }

    static Connection forLoan(Engine engine) throws SQLException {
        refuseToWaitForOneself(engine.primary, TxOptions.none(), null);
        return from(engine, engine.primary.prepare(TxOptions.none()), null);
    }

    private static Connection from(Engine engine, Prepared prepared, @Nullable Deadline deadline) throws SQLException {
        engine.requireOpenForJdbc();
        Server server = prepared.server();
        try {
            return server.source.acquire(deadline);
        } catch (SQLException e) {
            engine.failures.remember(
                    server.dialect.classify(e, Moment.of(Phase.ACQUIRE, prepared.wish()), server.profile));
            throw e;
        } catch (TimeoutException e) {
            if (deadline == null) {
                throw new IllegalStateException(e);
            }
            throw deadline.expiredInJdbc(
                    "Waiting for a connection to " + server.profile,
                    prepared.options().label(),
                    null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException(
                    "Interrupted while waiting for a connection to " + server.profile, Refused.SQL_STATE, e);
        }
    }

    /** A call that holds what it is about to wait for would wait for ever, or until the pool gives up. */
    static void refuseToWaitForOneself(Server server, TxOptions options, @Nullable Transaction starting)
            throws SQLException {
        int held = 0;
        Transaction counted = null;
        for (Current.Frame frame = Current.innermost(); frame != null; frame = frame.outer()) {
            if (frame.lent() != null && frame.lent().holds(server.source)) {
                held++;
            }
            Transaction outer = frame.scope() == null ? null : frame.scope().transaction;
            if (outer == null || outer == counted || outer == starting || !outer.holds(server.source)) {
                continue;
            }
            counted = outer;
            held++;
            if (starting != null
                    && server.profile.has(Feature.SINGLE_WRITER)
                    && writesAtOnce(outer.prepared.options())
                    && writesAtOnce(options)) {
                throw refusal(server, "an outer scope of this call is the database's single writer", options);
            }
        }
        if (held >= server.source.size()) {
            throw refusal(
                    server,
                    "the outer scopes of this call hold " + held + " of the pool's " + server.source.size()
                            + " connection(s)",
                    options);
        }
    }

    private static boolean writesAtOnce(TxOptions options) {
        return options.access() != Access.READ_ONLY && options.beginMode() != BeginMode.DEFERRED;
    }

    private static SQLException refusal(Server server, String why, TxOptions options) {
        return Refused.of(new TxRejectedException(
                "A second connection to " + server.profile + " would wait for its own caller: " + why
                        + "; join or nest instead of SEPARATE, do it after the outer scope, or enlarge the pool",
                options.label()));
    }
}
