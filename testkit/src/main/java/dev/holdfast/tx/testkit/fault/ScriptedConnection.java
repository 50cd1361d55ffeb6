package dev.holdfast.tx.testkit.fault;

import dev.holdfast.tx.testkit.fault.Fault.Effect;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Stands in for a connection: it can die, and its end is written into the ledger. */
final class ScriptedConnection extends ScriptedObject {
    private static final Executor HERE = Runnable::run;

    /** A call of the driver. */
    @FunctionalInterface
    interface Made {
        @Nullable
        Object call() throws Throwable;
    }

    private final ScriptedDataSource source;
    private final ScriptedDataSource.Session session;
    private final Lent lent;
    private final Connection proxy;
    private volatile @Nullable Throwable death;
    private volatile boolean over;

    private ScriptedConnection(ScriptedDataSource source, ScriptedDataSource.Session session, Lent lent) {
        super(null, session.real(), "");
        this.source = source;
        this.session = session;
        this.lent = lent;
        this.proxy = JdbcProxy.of(Connection.class, "scripted " + session.real(), this);
    }

    static Connection lend(ScriptedDataSource source, ScriptedDataSource.Session session, Lent lent) {
        return new ScriptedConnection(source, session, lent).proxy;
    }

    @Override
    ScriptedConnection connection() {
        return this;
    }

    Connection proxy() {
        return proxy;
    }

    @Override
    public @Nullable Object invoke(Object self, Method method, Object[] given) throws Throwable {
        return switch (method.getName()) {
            case "isClosed" -> over || death != null || session.real().isClosed();
            case "close" -> {
                if (over) {
                    source.closedAgain(lent);
                } else {
                    scripted("close", this::giveBack);
                }
                yield null;
            }
            case "abort" -> {
                source.thrownAway(lent);
                over = true;
                scripted("abort", this::throwAway);
                yield null;
            }
            default -> super.invoke(self, method, given);
        };
    }

    private @Nullable Object giveBack() {
        over = true;
        source.giveBack(session, lent);
        return null;
    }

    private @Nullable Object throwAway() throws SQLException {
        end();
        return null;
    }

    /** Not by close(), which some drivers make a farewell of, and others refuse while a transaction is open. */
    private void end() throws SQLException {
        try {
            session.real().abort(HERE);
        } finally {
            session.real().close();
        }
    }

    /** Makes a call that can reach the server, if the script lets it. */
    @Nullable
    Object scripted(String text, Made made) throws Throwable {
        Fault fault = source.numbered(lent.connection(), text);
        if (fault == null) {
            return local(text, made);
        }
        if (fault.effect() == Effect.LOSES_ANSWER) {
            local(text, made);
        }
        if (fault.effect() == Effect.HELD) {
            death = fault.error(); // for the client alone
            source.hold(() -> {
                try {
                    return made.call();
                } finally {
                    end();
                }
            });
        } else if (fault.effect() != Effect.THROWS) {
            die(fault.error());
        }
        throw fault.error();
    }

    /** Makes a call, unless the connection is gone. */
    @Nullable
    Object local(String name, Made made) throws Throwable {
        Throwable cause = death;
        if (cause != null) {
            throw new SQLException("scripted: " + name + " on a connection that was lost", "08003", cause);
        }
        return made.call();
    }

    private void die(Throwable cause) throws SQLException {
        death = cause;
        end(); // the server is to find out by itself
    }
}
