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
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Takes a connection for a transaction or a loan: refuses to wait for what the caller itself holds, and keeps limits. */
final class Acquiring {
    private Acquiring() {}

    static Connection connection(Transaction transaction, @Nullable Deadline scopeDeadline) throws SQLException {
        Prepared prepared = transaction.prepared;
        TxOptions options = prepared.options();
        refuseToWaitForOneself(prepared.server(), options, transaction);
        return from(transaction.engine, prepared, deadline(transaction, scopeDeadline));
    }

    /** By which a transaction must have its connection; null for no limit. */
    static @Nullable Deadline deadline(Transaction transaction, @Nullable Deadline scopeDeadline) {
        Deadline deadline = Deadline.sooner(transaction.deadline, scopeDeadline);
        Duration limit = transaction.prepared.options().acquireTimeout();
        return limit == null
                ? deadline
                : Deadline.sooner(
                        deadline, Deadline.after(transaction.engine.now(), TxTimeoutException.Limit.ACQUIRE, limit));
    }

    static Connection forLoan(Engine engine, Server server) throws SQLException {
        refuseToWaitForOneself(server, TxOptions.none(), null);
        return from(engine, server.prepare(TxOptions.none()), null);
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
            Current.keepInterrupt();
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
            if (outer == null || outer == counted || outer == starting || !outer.isLeased()) {
                continue;
            }
            counted = outer;
            boolean isHere = outer.holds(server.source);
            held += isHere ? 1 : 0;
            if (starting != null
                    && (isHere || outer.engine == starting.engine) // another pool is the same database
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
                        + "; join or nest instead of SEPARATE, do it after the outer scope, enlarge the pool, or give these a separatePool",
                options.label()));
    }
}
