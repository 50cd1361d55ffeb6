package dev.holdfast.tx.engine.internal;

import java.io.InputStream;
import java.io.Reader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the caller has of a replica's connection until a statement was answered. If that replica is lost before, nothing was read:
 * what was prepared is prepared again on the next server, and executed there. Guarded by the transaction's turn.
 */
final class FirstStatement {
    private final Transaction transaction;
    private final @Nullable Deadline scopeDeadline;
    private final Connection view = proxy(Connection.class, this::onConnection);
    private final List<Made> open = new ArrayList<>();
    private volatile boolean over;

    FirstStatement(Transaction transaction, @Nullable Deadline scopeDeadline) {
        this.transaction = transaction;
        this.scopeDeadline = scopeDeadline;
    }

    /** The connection to use, or the one behind it if there is nothing to do again any more. */
    Connection connection() {
        return over ? transaction.lease().connection : view;
    }

    private Object onConnection(Object self, Method method, Object @Nullable [] arguments) throws Throwable {
        if (!over && Statement.class.isAssignableFrom(method.getReturnType())) {
            Made made = new Made(new Call(method, arguments));
            repeating(made::make);
            open.add(made);
            return made.statement;
        }
        if (!isHarmless(method)) {
            over = true; // what is set there, or had from there, is not to be had again
        }
        return called(method, transaction.lease().connection, arguments);
    }

    private static boolean isHarmless(Method method) {
        String name = method.getName();
        return name.startsWith("is") || (name.startsWith("get") && !name.equals("getMetaData"));
    }

    /** Something that is sent. */
    @FunctionalInterface
    private interface Sending {
        Object send() throws Throwable;
    }

    private Object repeating(Sending first) throws Throwable {
        boolean again = false;
        while (true) {
            try {
                if (again) {
                    for (Made made : open) {
                        made.makeAgain();
                    }
                }
                return first.send();
            } catch (SQLException e) {
                if (over || !Beginning.beginsElsewhere(transaction, e, scopeDeadline)) {
                    throw e;
                }
                again = true;
            }
        }
    }

    /** A call that can be made again. */
    private static final class Call {
        final Method method;
        private final Object @Nullable [] arguments;

        Call(Method method, Object @Nullable [] arguments) {
            this.method = method;
            this.arguments = arguments;
        }

        Object on(Object target) throws Throwable {
            return called(method, target, arguments);
        }
    }

    /** A statement, and what it was told before it was executed. */
    private final class Made {
        final Statement statement;
        private final Call making;
        private final List<Call> told = new ArrayList<>();
        /** A cancel comes from another thread. */
        private volatile @Nullable Statement real;

        Made(Call making) {
            this.making = making;
            this.statement = (Statement) proxy(making.method.getReturnType(), this::on);
        }

        Object make() throws Throwable {
            real = (Statement) making.on(transaction.lease().connection);
            return statement;
        }

        void makeAgain() throws Throwable {
            make();
            for (Call call : told) {
                call.on(real());
            }
        }

        private Statement real() {
            Statement made = real;
            if (made == null) {
                throw new IllegalStateException("The statement was never made");
            }
            return made;
        }

        private Object on(Object self, Method method, Object @Nullable [] arguments) throws Throwable {
            if (over) {
                return called(method, real(), arguments);
            }
            String name = method.getName();
            if (name.startsWith("execute")) {
                Object answer = repeating(() -> called(method, real(), arguments));
                over = true;
                return answer;
            }
            Object answer = called(method, real(), arguments);
            if (name.equals("close")) {
                open.remove(this);
            } else if (name.equals("unwrap") || takesStream(arguments)) {
                over = true;
            } else if (method.getReturnType() == void.class && !name.equals("cancel")) {
                told.add(new Call(method, arguments));
            }
            return answer;
        }
    }

    private static boolean takesStream(Object @Nullable [] arguments) {
        return arguments != null
                && Stream.of(arguments).anyMatch(each -> each instanceof InputStream || each instanceof Reader);
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(
                FirstStatement.class.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    if (method.getDeclaringClass() != Object.class) {
                        return handler.invoke(self, method, arguments);
                    }
                    return switch (method.getName()) {
                        case "equals" -> self == arguments[0];
                        case "hashCode" -> System.identityHashCode(self);
                        default -> "first " + type.getSimpleName();
                    };
                }));
    }

    @SuppressWarnings("NullAway") // what a method of JDBC answers may be null, as reflection has it
    private static Object called(Method method, Object target, Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
