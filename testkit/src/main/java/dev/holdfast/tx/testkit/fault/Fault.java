package dev.holdfast.tx.testkit.fault;

import java.sql.SQLException;

/**
 * What goes wrong at one call. Immutable but for the error, of which there is one for each fault, so that it can be told
 * from all others.
 *
 * @param call the number of the call it happens at, from 1
 * @param effect what happens
 * @param error what the call throws
 */
public record Fault(int call, Effect effect, Throwable error) {
    /** What happens at the call. */
    public enum Effect {
        /** The call is not made, and throws. */
        THROWS,
        /** The connection dies, so that the server rolls back; the call, which never reached it, throws. */
        DIES,
        /** The call is made, and the connection dies with its answer: the call throws. */
        LOSES_ANSWER,
        /**
         * The call is not made yet, and throws as if the connection were lost; it is made when {@link
         * ScriptedDataSource#release} is called: it was on its way all the time.
         */
        HELD
    }

    /** An error instead of a call. */
    public static Fault throwing(int call, Throwable error) {
        return new Fault(call, Effect.THROWS, error);
    }

    /** An {@link SQLException} instead of a call. */
    public static Fault throwing(int call, String sqlState) {
        return throwing(call, new SQLException("scripted: refused at call " + call, sqlState));
    }

    /** The connection is gone before the call reaches the server. */
    public static Fault dying(int call) {
        return new Fault(call, Effect.DIES, lost(call));
    }

    /** The connection is gone before the answer to the call comes back. */
    public static Fault losingAnswer(int call) {
        return new Fault(call, Effect.LOSES_ANSWER, lost(call));
    }

    /** The connection is gone, and the call is still on its way to the server. */
    public static Fault held(int call) {
        return new Fault(call, Effect.HELD, lost(call));
    }

    private static SQLException lost(int call) {
        return new SQLException("scripted: the connection was lost at call " + call, "08006");
    }

    @Override
    public String toString() {
        return switch (effect) {
            case DIES -> "dies";
            case LOSES_ANSWER -> "loses the answer";
            case HELD -> "is held";
            case THROWS ->
                error instanceof SQLException sql
                        ? "throws SQLState " + sql.getSQLState()
                        : "throws " + error.getClass().getSimpleName();
        };
    }
}
