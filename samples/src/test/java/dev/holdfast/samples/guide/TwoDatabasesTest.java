package dev.holdfast.samples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A SQLite and a PostgreSQL transaction in one block. */
class TwoDatabasesTest {
    private Transactor sqlite;
    private Transactor postgres;

    @BeforeEach
    void connect() {
        sqlite = Holdfast.connect("jdbc:sqlite::memory:");
        postgres = Holdfast.connect(TestServer.postgres(18).find().url());
        prepare(sqlite);
        prepare(postgres);
    }

    private static void prepare(Transactor db) {
        db.execute(tx -> {
            try (Statement statement = tx.connection().createStatement()) {
                statement.execute("drop table if exists side_by_side");
                statement.execute("create table side_by_side (id int primary key, v int)");
            }
        });
    }

    @AfterEach
    void close() {
        sqlite.close();
        postgres.close();
    }

    @Test
    void each_commits_or_rolls_back_by_itself() throws SQLException {
        sqlite.execute(outer -> {
            Sql.insert(sqlite, "side_by_side", 1);
            postgres.execute(inner -> {
                Sql.insert(sqlite, "side_by_side", 2); // joins the SQLite transaction, not the innermost one
                Sql.insert(postgres, "side_by_side", 3);
                assertThat(sqlite.current()).isSameAs(outer);
                assertThat(postgres.current()).isSameAs(inner);
            });
            assertThatThrownBy(() -> postgres.execute(inner -> {
                        Sql.insert(postgres, "side_by_side", 4);
                        throw new IllegalStateException("only this one");
                    }))
                    .isInstanceOf(IllegalStateException.class);
        });
        assertThat(Sql.ints(sqlite, "select id from side_by_side order by id")).containsExactly(1, 2);
        assertThat(Sql.ints(postgres, "select id from side_by_side order by id"))
                .containsExactly(3);
    }
}
