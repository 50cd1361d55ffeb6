package org.example.holdfast.h2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Match;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The dialect as an application meets it: found by a URL, and named nowhere. */
class H2ConnectTest {
    private static Match match(String product, String version) {
        return new H2Dialect()
                .accepts(new Identity(product, version, "H2 JDBC Driver", version, "jdbc:h2:", Identity.Autocommit.ON));
    }

    @ParameterizedTest
    @CsvSource({"jdbc:h2:mem:", "jdbc:h2:mem:connect", "'jdbc:h2:./target/connect;MODE=REGULAR'"})
    void a_url_is_enough(String url) throws SQLException {
        try (Transactor db = Holdfast.connect(url)) {
            execute(db, "drop table if exists t");
            execute(db, "create table t (id int)"); // on its own: inside a transaction it would commit
            db.execute(tx -> execute(tx, "insert into t values (1)"));
            int rows = db.transact(tx -> {
                try (Statement statement = tx.connection().createStatement();
                        ResultSet row = statement.executeQuery("select count(*) from t")) {
                    assertTrue(row.next());
                    return row.getInt(1);
                }
            });
            assertEquals(1, rows);
        }
    }

    private static void execute(ConnectionScope scope, String sql) throws SQLException {
        scope.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql);
            }
        });
    }

    @Test
    void a_refusal_says_what_to_do_instead() {
        try (Transactor db = Holdfast.connect("jdbc:h2:mem:refuses")) {
            TxUnsupportedException refusal =
                    assertThrows(TxUnsupportedException.class, () -> db.explain(TxOptions.of(Isolation.SERIALIZABLE)));
            assertTrue(refusal.getMessage().contains("ask for SNAPSHOT"), refusal.getMessage());
        }
    }

    @Test
    void it_is_for_h2_from_2_2_on() {
        assertEquals(Match.EXACT, match("H2", "2.5.252 (2026-09-23)"));
        assertEquals(Match.EXACT, match("H2", "2.2.220 (2023-07-04)"));
        assertEquals(Match.NO, match("H2", "1.4.200 (2019-10-14)"));
        assertEquals(Match.NO, match("PostgreSQL", "2.5"));
    }
}
