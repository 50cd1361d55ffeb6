package dev.holdfast.tx.postgres;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;

/** A connection of no driver that anybody knows. */
final class Unconnected {
    static final Connection CONNECTION = (Connection) Proxy.newProxyInstance(
            Unconnected.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                throw new SQLException("not a wrapper of anything");
            });

    private Unconnected() {}
}
