package dev.holdfast.tx.mssql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.mssql.tds.SessionModel;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Facts;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/** The engine, a pool of one connection, the driver, and a responder in the place of a server. */
final class Bed implements AutoCloseable {
    static final String WRITE = "insert into t values (1)";
    static final String OTHER_WRITE = "insert into t values (2)";
    static final String READ = "select v from t";
    static final String BEGIN = "BEGIN TRAN";
    static final String COMMIT = "IF @@TRANCOUNT = 1 AND XACT_STATE() = 1 COMMIT TRAN ELSE IF @@TRANCOUNT > 0"
            + " RAISERROR('Holdfast: the transaction cannot be committed', 16, 71)"
            + " ELSE RAISERROR('Holdfast: there is no transaction to commit', 16, 72)";
    static final String STANDING = "SELECT CASE WHEN @@TRANCOUNT = 0 THEN 'ended'"
            + " WHEN @@TRANCOUNT = 1 AND XACT_STATE() = 1 THEN 'open' ELSE 'doomed' END";
    static final String ROLLBACK = "IF @@TRANCOUNT > 0 ROLLBACK TRAN";

    /** Asked by the pool, of a connection that lay idle for long. */
    private static final String IS_VALID = "batch: SELECT 1";

    final Responder responder;
    final HikariDataSource pool;
    final Transactor db;
    final List<TxEvent> events = new CopyOnWriteArrayList<>();

    private Bed(Responder responder, Autocommit autocommit, String properties) {
        this.responder = responder;
        responder
                .answer(WRITE, Answer.count(1))
                .answer(OTHER_WRITE, Answer.count(1))
                .answer(READ, Answer.row(7));
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(responder.url() + ";" + properties);
        config.setUsername("test");
        config.setPassword("test");
        config.setMaximumPoolSize(1);
        config.setAutoCommit(autocommit == Autocommit.ON);
        config.setConnectionTimeout(10_000);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).listener(events::add).build();
        responder.clearLog();
    }

    static Bed of(Responder responder, Autocommit autocommit) {
        return new Bed(responder, autocommit, "connectRetryCount=0");
    }

    static Bed of(Responder responder, String properties) {
        return new Bed(responder, Autocommit.ON, "connectRetryCount=0;" + properties);
    }

    static Bed of(Responder responder) {
        return of(responder, Autocommit.ON);
    }

    static Bed usual() throws IOException {
        return of(new Responder(), Autocommit.ON);
    }

    static Bed autocommitOff() throws IOException {
        return of(new Responder(), Autocommit.OFF);
    }

    /** One statement, as a batch. */
    static int send(ConnectionScope scope, String sql) throws SQLException {
        return scope.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql) ? -1 : statement.getUpdateCount();
            }
        });
    }

    static void write(ConnectionScope scope) throws SQLException {
        send(scope, WRITE);
    }

    /** What is made of the error that this throws. */
    static Failure failure(ConnectionScope scope, Facts.Attempt attempt) {
        return Objects.requireNonNull(scope.classify(Facts.throwing(Throwable.class, attempt)));
    }

    /** What was asked since the log was cleared. */
    List<String> sent() {
        return responder.log().stream().filter(each -> !each.equals(IS_VALID)).toList();
    }

    /** The one session of the pool. */
    SessionModel session() {
        List<SessionModel> sessions = responder.sessions();
        return sessions.get(sessions.size() - 1);
    }

    /** How the last transaction ended. */
    Outcome outcome() {
        List<Outcome> outcomes = events.stream()
                .filter(TxEvent.Ended.class::isInstance)
                .map(event -> ((TxEvent.Ended) event).outcome())
                .toList();
        return outcomes.get(outcomes.size() - 1);
    }

    boolean isEvicted() {
        return events.stream().anyMatch(TxEvent.Evicted.class::isInstance);
    }

    @Override
    public void close() throws IOException {
        db.close();
        pool.close();
        responder.close();
    }
}
