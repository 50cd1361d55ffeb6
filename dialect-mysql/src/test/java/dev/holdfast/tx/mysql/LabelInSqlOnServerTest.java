package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Statements that carry a label are the same statements. */
class LabelInSqlOnServerTest extends RealServerTest {
    private static final TxOptions CHECKOUT = TxOptions.none().label("checkout").labelInSql();
    private static final String SEEN = "SELECT info FROM information_schema.processlist WHERE id = CONNECTION_ID()";

    private Transactor db;

    @BeforeEach
    void connect() {
        db = Holdfast.builder(DriverSessions.of(on.url(server(), database()), server().user(), server().password()))
                .dialect(DIALECT)
                .build();
    }

    @Test
    void othersSeeIt() throws SQLException {
        db.execute(CHECKOUT, tx -> {
            try (Statement statement = tx.connection().createStatement();
                    ResultSet row = statement.executeQuery(SEEN + ";")) {
                row.next();
                assertThat(row.getString(1)).startsWith(SEEN + " /*label='checkout'*/");
            }
        });
    }

    @Test
    void generatedKeysAreReturned() throws SQLException {
        open().run("CREATE TABLE numbered (id int PRIMARY KEY AUTO_INCREMENT, n int)");
        db.execute(CHECKOUT, tx -> {
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
        open().run("DROP TABLE numbered");
    }
}
