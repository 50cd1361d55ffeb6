package dev.holdfast.tx.testkit.fault;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Stands in for one object of a driver, and asks the script before each call that can reach the server. */
class ScriptedObject implements InvocationHandler {
    /** Of connections, statements and result sets; all else is local. {@code execute…} is not listed. */
    private static final Set<String> REACHING = Set.of(
            "setAutoCommit",
            "commit",
            "rollback",
            "close",
            "abort",
            "setReadOnly",
            "setTransactionIsolation",
            "getTransactionIsolation",
            "setCatalog",
            "getCatalog",
            "setSchema",
            "getSchema",
            "setSavepoint",
            "releaseSavepoint",
            "setClientInfo",
            "setNetworkTimeout",
            "setHoldability",
            "isValid",
            "createStatement",
            "prepareStatement",
            "prepareCall",
            "getMoreResults",
            "next");

    private final @Nullable ScriptedConnection connection;
    private final Object real;
    private final String sql;

    /**
     * A stand-in.
     *
     * @param connection what it belongs to; null if it is one
     * @param sql what it was prepared with; empty if nothing
     */
    ScriptedObject(@Nullable ScriptedConnection connection, Object real, String sql) {
        this.connection = connection;
        this.real = real;
        this.sql = sql;
    }

    ScriptedConnection connection() {
        if (connection == null) {
            throw new IllegalStateException();
        }
        return connection;
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        return switch (method.getName()) {
            case "getConnection" -> connection().proxy();
            default ->
                reaches(method)
                        ? connection().scripted(text(method, arguments), () -> call(method, arguments))
                        : connection().local(method.getName(), () -> call(method, arguments));
        };
    }

    private static boolean reaches(Method method) {
        return REACHING.contains(method.getName()) || method.getName().startsWith("execute");
    }

    private String text(Method method, Object[] arguments) {
        StringBuilder text = new StringBuilder(method.getName());
        for (Object argument : arguments) {
            if (argument instanceof String || argument instanceof Boolean || argument instanceof Integer) {
                text.append(' ').append(argument);
            }
        }
        if (!sql.isEmpty()) {
            text.append(' ').append(sql);
        }
        return text.toString();
    }

    /** The call itself; of what it answers, the objects of the driver get a stand-in too. */
    @Nullable
    Object call(Method method, Object[] arguments) throws Throwable {
        Object answer = JdbcProxy.call(real, method, arguments);
        Class<?> type = method.getReturnType(); // not that of the answer, which may be several things at once
        if (answer == null || !(Statement.class.isAssignableFrom(type) || ResultSet.class.isAssignableFrom(type))) {
            return answer;
        }
        String prepared = arguments.length > 0 && arguments[0] instanceof String text ? text : "";
        boolean keepsText = PreparedStatement.class.isAssignableFrom(type);
        return JdbcProxy.of(type, "scripted", new ScriptedObject(connection(), answer, keepsText ? prepared : ""));
    }
}
