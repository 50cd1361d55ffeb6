package dev.holdfast.tx.testkit.fault;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.PreparedStatement;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Objects of JDBC that stand in front of a driver's. */
public final class JdbcProxy {
    private JdbcProxy() {}

    /**
     * An object that does what the handler says. It is equal to itself only.
     *
     * @param type that it is of
     * @param name that {@code toString} tells
     * @param handler of all other calls; its arguments are never null
     */
    public static <T> T of(Class<T> type, String name, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(
                JdbcProxy.class.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
                    Object[] arguments = given == null ? new Object[0] : given;
                    return switch (method.getName()) {
                        case "equals" -> arguments.length == 1 && self == arguments[0];
                        case "hashCode" -> System.identityHashCode(self);
                        case "toString" -> name;
                        default -> handler.invoke(self, method, arguments);
                    };
                }));
    }

    /**
     * Makes the call on the object of the driver.
     *
     * @throws Throwable what the driver throws, as it is
     */
    @SuppressWarnings("NullAway") // what a method of JDBC answers may be null, as reflection has it
    public static @Nullable Object call(Object real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    /** The narrowest type of statement that a driver's is. */
    public static Class<? extends Statement> statementType(Object statement) {
        if (statement instanceof CallableStatement) {
            return CallableStatement.class;
        }
        return statement instanceof PreparedStatement ? PreparedStatement.class : Statement.class;
    }
}
