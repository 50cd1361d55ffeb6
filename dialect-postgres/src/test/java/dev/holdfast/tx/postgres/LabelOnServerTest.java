package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What others see of a label on the server. */
class LabelOnServerTest extends ServerTest {
    private static final TxOptions CHECKOUT = TxOptions.none().label("checkout");
    private static final TxOptions AS_NAME = CHECKOUT.with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
    private static final String PID = "SELECT pg_backend_pid()";

    private HikariDataSource pool;
    private Transactor db;

    @BeforeEach
    void connect() {
        ServerUrl server = TestServer.postgres(major).find();
        HikariConfig config = new HikariConfig();
        config.setDataSource(DriverSessions.of(server.url(), server.user(), server.password())
                .with("ApplicationName", "shop"));
        config.setMaximumPoolSize(1);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).build();
    }

    @AfterEach
    void disconnect() {
        db.close();
        pool.close();
    }

    private static String ask(ConnectionScope scope, String sql) throws SQLException {
        return scope.withConnection(connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                row.next();
                return row.getString(1);
            }
        });
    }

    /** What another session sees in {@code pg_stat_activity}. */
    private String seen(String column, String pid) throws SQLException {
        return Objects.requireNonNull(open().ask("SELECT " + column + " FROM pg_stat_activity WHERE pid = " + pid));
    }

    @Test
    void itIsTheNameOfTheApplicationUntilTheTransactionCommits() throws SQLException {
        String pid = ask(db, PID);
        try (UnmanagedTx tx = db.begin(AS_NAME)) {
            ask(tx, "SELECT 1");
            assertThat(seen("application_name", pid)).isEqualTo("checkout");
            tx.commit();
        }
        assertThat(seen("application_name", pid)).isEqualTo("shop");
    }

    @Test
    void itIsTheNameOfTheApplicationUntilTheTransactionRollsBack() throws SQLException {
        String pid = ask(db, PID);
        try (UnmanagedTx tx = db.begin(AS_NAME.readOnly())) {
            ask(tx, "SELECT 1");
            assertThat(seen("application_name", pid)).isEqualTo("checkout");
        }
        assertThat(seen("application_name", pid)).isEqualTo("shop");
    }

    @Test
    void aTransactionWithoutALabelHasTheNameOfItsSession() throws SQLException {
        TxOptions unnamed = TxOptions.none().with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
        assertThat(db.<String>transact(unnamed, tx -> ask(tx, "SHOW application_name")))
                .isEqualTo("shop");
    }

    @Test
    void aLabelThatIsNoNameIsMadeOne() throws SQLException {
        TxOptions odd = AS_NAME.label("it's \"ödd\"; " + "x".repeat(100));
        assertThat(db.<String>transact(odd, tx -> ask(tx, "SHOW application_name")))
                .isEqualTo("it_s __dd__ " + "x".repeat(51));
    }

    @Test
    void itIsInTheTextOfEachStatement() throws SQLException {
        String pid = ask(db, PID);
        try (UnmanagedTx tx = db.begin(CHECKOUT.labelInSql())) {
            ask(tx, "SELECT 1;");
            assertThat(seen("query", pid)).isEqualTo("SELECT 1 /*label='checkout'*/");
            tx.withConnection(connection -> {
                try (var statement = connection.prepareStatement("SELECT ?::int -- one")) {
                    statement.setInt(1, 1);
                    return statement.execute();
                }
            });
            assertThat(seen("query", pid)).isEqualTo("SELECT $1::int -- one\n/*label='checkout'*/");
            tx.commit();
        }
        ask(db, "SELECT 2");
        assertThat(seen("query", pid)).isEqualTo("SELECT 2");
    }

    @Test
    void aScopeInsideHasItsOwn() throws SQLException {
        String pid = ask(db, PID);
        db.execute(CHECKOUT.labelInSql(), tx -> {
            tx.execute(TxOptions.none().label("stock"), inner -> ask(inner, "SELECT 1"));
            assertThat(seen("query", pid)).isEqualTo("SELECT 1 /*label='stock'*/");
            ask(tx, "SELECT 1");
            assertThat(seen("query", pid)).isEqualTo("SELECT 1 /*label='checkout'*/");
        });
    }

    @Test
    void generatedKeysAreReturnedAllTheSame() throws SQLException {
        db.execute(CHECKOUT.labelInSql(), tx -> {
            ask(tx, "SELECT 1");
            try (Statement table = tx.connection().createStatement()) {
                table.execute("CREATE TEMPORARY TABLE numbered (id serial, n int) ON COMMIT DROP");
            }
            try (PreparedStatement statement = tx.connection()
                    .prepareStatement("INSERT INTO numbered (n) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                statement.setInt(1, 5);
                statement.executeUpdate();
                try (ResultSet keys = statement.getGeneratedKeys()) {
                    keys.next();
                    assertThat(keys.getInt(1)).isEqualTo(1);
                }
            }
        });
    }

    @Test
    void noLabelIsNoComment() throws SQLException {
        String query = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        assertThat(db.<String>transact(TxOptions.none().labelInSql(), tx -> ask(tx, query)))
                .isEqualTo(query);
    }
}
