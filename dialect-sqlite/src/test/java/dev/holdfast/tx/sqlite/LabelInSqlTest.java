package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** Statements that carry a label are the same statements. */
class LabelInSqlTest {
    private static final TxOptions CHECKOUT = TxOptions.none().label("checkout").labelInSql();

    @Test
    void generatedKeysAreReturned() throws Exception {
        try (Database database = Database.file("WAL");
                Transactor db = Holdfast.connect(database.url())) {
            db.execute(CHECKOUT, tx -> {
                try (PreparedStatement statement = tx.connection()
                        .prepareStatement("INSERT INTO t (n) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                    statement.setInt(1, 5);
                    statement.executeUpdate();
                    try (ResultSet keys = statement.getGeneratedKeys()) {
                        keys.next();
                        assertThat(keys.getInt(1)).isEqualTo(2);
                    }
                }
            });
        }
    }
}
