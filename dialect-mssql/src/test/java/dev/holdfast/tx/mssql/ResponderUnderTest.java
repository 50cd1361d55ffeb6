package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Network;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/** Engine, dialect and driver on the responder with tables in memory. It is no SQL Server, and says so. */
final class ResponderUnderTest implements DatabaseUnderTest {
    private final Responder responder;

    ResponderUnderTest(Responder responder) {
        this.responder = responder.withTables().probed("rcsi", 1).probed("snapshot", 1);
    }

    @Override
    public String name() {
        return "a responder that is no SQL Server";
    }

    @Override
    public Dialect dialect() {
        return new MssqlDialect();
    }

    @Override
    public DataSource sessions() {
        return sessions("localhost", responder.port());
    }

    private static DataSource sessions(String host, int port) {
        return DriverSessions.of(
                "jdbc:sqlserver://" + host + ":" + port
                        + ";encrypt=false;databaseName=test;loginTimeout=10;connectRetryCount=0",
                "test",
                "test");
    }

    @Override
    public Optional<Network> network() {
        return Optional.of(new Network("localhost", responder.port(), ResponderUnderTest::sessions));
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .replicaPolicy(setup.replicaPolicy())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient())
                .settleWithin(setup.settleWithin())
                .endWithin(setup.endWithin());
        setup.listeners().forEach(builder::listener);
        setup.replicas().forEach(builder::replica);
        return builder.build();
    }

    @Override
    public List<String> sessionQueries() {
        return List.of(
                "SELECT CASE (SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID)"
                        + " WHEN 1 THEN 'READ UNCOMMITTED' WHEN 3 THEN 'REPEATABLE READ' WHEN 4 THEN 'SERIALIZABLE'"
                        + " WHEN 5 THEN 'SNAPSHOT' ELSE 'READ COMMITTED' END",
                "SELECT @@LOCK_TIMEOUT",
                "SELECT CASE WHEN @@OPTIONS & 16384 = 0 THEN 'OFF' ELSE 'ON' END",
                "SELECT @@TRANCOUNT");
    }
}
