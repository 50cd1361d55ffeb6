package org.example.holdfast.h2;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** H2 in memory, and Holdfast's engine. */
final class H2UnderTest implements DatabaseUnderTest {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final String url = "jdbc:h2:mem:conformance" + NUMBERS.incrementAndGet() + ";DB_CLOSE_DELAY=-1";

    @Override
    public String name() {
        return "H2 2.5.252";
    }

    @Override
    public Dialect dialect() {
        return new H2Dialect();
    }

    @Override
    public DataSource sessions() {
        return DriverSessions.of(url);
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
        return List.of(
                "SELECT ISOLATION_LEVEL FROM INFORMATION_SCHEMA.SESSIONS WHERE SESSION_ID = SESSION_ID()",
                "CALL LOCK_TIMEOUT()",
                "SELECT SETTING_VALUE FROM INFORMATION_SCHEMA.SETTINGS WHERE SETTING_NAME = 'QUERY_TIMEOUT'");
    }
}
