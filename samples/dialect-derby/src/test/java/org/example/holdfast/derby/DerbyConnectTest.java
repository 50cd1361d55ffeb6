package org.example.holdfast.derby;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Match;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The dialect as an application meets it: found by a URL, and named nowhere. */
class DerbyConnectTest {
    private static Match match(String product, String driver) {
        return new DerbyDialect()
                .accepts(
                        new Identity(product, "10.16.1.1", driver, "10.16.1.1", "jdbc:derby:", Identity.Autocommit.ON));
    }

    @Test
    void a_url_is_enough() throws SQLException {
        try (Transactor db = Holdfast.connect("jdbc:derby:memory:connect;create=true")) {
            int rows = db.transact(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                try (Statement statement = tx.connection().createStatement()) {
                    statement.executeUpdate("create table t (id int)");
                    return statement.executeUpdate("insert into t values 1, 2");
                }
            });
            assertEquals(2, rows);
        }
    }

    @Test
    void a_level_that_is_given_as_a_stronger_one_says_so() {
        try (Transactor db = Holdfast.connect("jdbc:derby:memory:explain;create=true")) {
            String plan = db.explain(TxOptions.of(Isolation.SNAPSHOT));
            assertTrue(plan.contains("note:   SNAPSHOT is given as RR"), plan);
        }
    }

    @Test
    void it_is_for_embedded_derby() {
        assertEquals(Match.EXACT, match("Apache Derby", "Apache Derby Embedded JDBC Driver"));
        assertEquals(Match.NO, match("Apache Derby", "Apache Derby Network Client JDBC Driver"));
        assertEquals(Match.NO, match("H2", "H2 JDBC Driver"));
    }
}
