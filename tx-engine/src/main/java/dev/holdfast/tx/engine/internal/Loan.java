package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** A connection outside of every transaction: each statement commits by itself. Taken at the first use. */
final class Loan implements ConnectionUse {
    private static final Facts FACTS = new Facts(true, null, null);

    private final Engine engine;
    private final Server server;
    private final Turn turn;
    private @Nullable Lease lease;
    private boolean broken;
    private volatile boolean open = true;

    Loan(Engine engine) {
        this.engine = engine;
        this.server = engine.toStart();
        this.turn = new Turn(engine.patience);
    }

    boolean holds(Source source) {
        Lease held = lease;
        return held != null && held.source == source;
    }

    GuardedConnection view() {
        return new GuardedConnection(this);
    }

    @Override
    public void takeTurn() throws SQLException {
        try {
            turn.take();
        } catch (TxStateException e) {
            throw Refused.of(e);
        }
    }

    @Override
    public void enter() throws SQLException {
        takeTurn();
        try {
            if (!open) {
                throw Refused.of(new TxStateException("The connection was given back; take another"));
            }
            if (lease == null) {
                borrow();
            }
        } catch (Throwable e) {
            turn.giveBack();
            throw Thrown.asSqlException(e);
        }
    }

    private void borrow() throws SQLException {
        Lease borrowed = new Lease(server.source, Acquiring.forLoan(engine, server));
        try {
            borrowed.autocommit();
        } catch (SQLException | RuntimeException | Error e) {
            borrowed.evict();
            throw e;
        }
        lease = borrowed;
    }

    @Override
    public void exit() {
        turn.giveBack();
    }

    @Override
    public Connection raw() {
        return lease().connection;
    }

    @Override
    public Lease lease() {
        if (lease == null) {
            throw new IllegalStateException("No connection is held");
        }
        return lease;
    }

    @Override
    public SQLException failed(Throwable error, @Nullable Execution execution, @Nullable PlannedLock rowsOf) {
        if (!(error instanceof SQLException sql)) {
            broken = true;
            throw Thrown.as(error);
        }
        engine.committed(null); // for all that is known
        Failure failure =
                server.dialect.classify(sql, Moment.of(Phase.OUTSIDE, Wish.of(TxOptions.none())), server.profile);
        engine.failures.remember(failure);
        if (failure.effect() == FailureEffect.LOST) {
            broken = true;
            server.source.lost();
        }
        if (failure.kind() == FailureKind.NOT_PRIMARY) {
            broken = true;
        }
        return sql;
    }

    @Override
    public @Nullable Execution executing(Statement statement, @Nullable String sql) {
        return null;
    }

    /** Each statement commits by itself, and tells no position. */
    @Override
    public void executed(@Nullable Execution execution) {
        engine.committed(null);
    }

    @Override
    public Server server() {
        return server;
    }

    @Override
    public void escaping() {
        lease().escape();
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public Facts facts() {
        return FACTS;
    }

    /** The one view was closed: the connection goes back, or is thrown away if anything about it is in doubt. */
    @Override
    public void closed(GuardedConnection view) throws SQLException {
        open = false;
        if (lease != null) {
            engine.committed(null); // by rows that were updated in place, or past us
        }
        Lease held = lease;
        lease = null;
        if (held == null) {
            return;
        }
        try {
            if (!broken && (!held.isEscaped() || isAsFound(held))) {
                held.giveBack();
                return;
            }
        } catch (SQLException | RuntimeException | Error e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "A lent connection could not be put back as it was", e);
        }
        held.evict();
        engine.tell(() -> new TxEvent.Evicted(0, null, "a lent connection was in doubt", null));
    }

    private boolean isAsFound(Lease held) throws SQLException {
        DriverState state = server.dialect.port().state(held.connection);
        return state == DriverState.IDLE && held.connection.getAutoCommit() && !held.connection.isReadOnly();
    }
}
