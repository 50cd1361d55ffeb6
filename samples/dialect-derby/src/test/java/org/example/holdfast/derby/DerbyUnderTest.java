package org.example.holdfast.derby;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** Derby in memory, and Holdfast's engine. */
final class DerbyUnderTest implements DatabaseUnderTest {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final DataSource sessions;

    DerbyUnderTest() throws SQLException {
        sessions = DriverSessions.of("jdbc:derby:memory:conformance" + NUMBERS.incrementAndGet() + ";create=true");
        // In seconds; the defaults are 20 and 60. With 0 it looks for a deadlock whenever a lock is not free.
        property("derby.locks.deadlockTimeout", "0");
        property("derby.locks.waitTimeout", "5");
    }

    private void property(String name, String setting) throws SQLException {
        try (Connection connection = sessions.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CALL SYSCS_UTIL.SYSCS_SET_DATABASE_PROPERTY('" + name + "', '" + setting + "')");
        }
    }

    @Override
    public String name() {
        return "Derby 10.16.1.1";
    }

    @Override
    public Dialect dialect() {
        return new DerbyDialect();
    }

    @Override
    public DataSource sessions() {
        return sessions;
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient());
        setup.listeners().forEach(builder::listener);
        setup.replicas().forEach(builder::replica);
        return builder.build();
    }

    /** What a transaction may change of its session, and JDBC does not tell of. */
    @Override
    public List<String> sessionQueries() {
        return List.of("VALUES CURRENT ISOLATION");
    }
}
