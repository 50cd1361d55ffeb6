package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * A row lock with {@code waitAtMost}, on a driver that was asked to fetch rows one by one. MySQL has a setting for the limit,
 * which is put back when the select was answered, and Connector/J sends nothing while rows are coming.
 */
@ParameterizedClass(name = "{0}, {1}, fetch size {2}, {3}")
@FieldSource("BEDS")
class StreamedLocksOnServerTest {
    private static final String USUAL_LIMIT = "50";
    private static final RowLock LIMITED = RowLock.forUpdate().waitAtMost(Duration.ofSeconds(1));

    static final List<Arguments> BEDS = Stream.of(Texts.values())
            .flatMap(texts -> Stream.of(
                    Arguments.of(JdbcDriver.CONNECTOR_J, "useCursorFetch=false", Integer.MIN_VALUE, texts),
                    Arguments.of(JdbcDriver.CONNECTOR_J, "useCursorFetch=true", 1, texts),
                    Arguments.of(JdbcDriver.MARIADB, "useServerPrepStmts=false", 1, texts)))
            .toList();

    private final MysqlUnderTest database;
    private final DriverSessions sessions;
    private final int fetchSize;
    private Connection observer;
    private HikariDataSource pool;
    private Transactor db;

    StreamedLocksOnServerTest(JdbcDriver driver, String property, int fetchSize, Texts texts) throws SQLException {
        this.database = new MysqlUnderTest(Servers.mysql(), driver, texts);
        String[] nameAndValue = property.split("=", 2);
        this.sessions = ((DriverSessions) database.sessions()).with(nameAndValue[0], nameAndValue[1]);
        this.fetchSize = fetchSize;
    }

    @BeforeEach
    void connect() throws SQLException {
        observer = database.sessions().getConnection();
        observe("drop table if exists streamed");
        observe("create table streamed (id int primary key)");
        observe("insert into streamed values (1), (2), (3)");
        HikariConfig config = new HikariConfig();
        config.setDataSource(sessions);
        config.setMaximumPoolSize(1);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).dialect(new MysqlDialect()).build();
    }

    @AfterEach
    void disconnect() throws SQLException {
        db.close();
        pool.close();
        observer.setAutoCommit(true); // commits
        observe("drop table streamed");
        observer.close();
    }

    private void observe(String sql) throws SQLException {
        try (Statement statement = observer.createStatement()) {
            statement.execute(sql);
        }
    }

    private PreparedStatement locking(Tx tx, String text) throws SQLException {
        PreparedStatement statement = tx.connection().prepareStatement(text);
        statement.setFetchSize(fetchSize);
        return statement;
    }

    private static String limit(ConnectionScope scope) throws SQLException {
        return String.valueOf(
                Sql.ints(scope, "select @@innodb_lock_wait_timeout").get(0));
    }

    @Test
    void the_limit_holds_for_each_row_and_is_put_back_though_rows_are_open() throws Exception {
        db.execute(tx -> {
            String text = tx.lock(LIMITED, "select id from streamed {table-lock} order by id {row-lock}");
            try (PreparedStatement statement = locking(tx, text);
                    ResultSet rows = statement.executeQuery()) {
                assertThat(rows.next()).isTrue();
                assertThat(limit(tx)).isEqualTo(USUAL_LIMIT);
                assertThat(rows.next()).isTrue();
                assertThat(rows.getInt(1)).isEqualTo(2);
                assertThat(statement.getFetchSize()).isEqualTo(fetchSize);
            }
        });
        db.execute(tx -> assertThat(limit(tx)).isEqualTo(USUAL_LIMIT));
    }

    @Test
    void a_later_row_that_is_held_ends_the_wait_in_time_and_the_transaction_goes_on() throws Exception {
        observer.setAutoCommit(false);
        observe("delete from streamed where id = 3");
        db.execute(tx -> {
            String text = tx.lock(LIMITED, "select id from streamed {table-lock} order by id {row-lock}");
            try (PreparedStatement statement = locking(tx, text)) {
                Throwable thrown = catchThrowable(statement::executeQuery);
                Failure failure = tx.classify(thrown);
                assertThat(failure).isNotNull();
                assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
                assertThat(statement.getFetchSize()).isEqualTo(fetchSize);
            }
            assertThat(limit(tx)).isEqualTo(USUAL_LIMIT);
        });
    }
}
