package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import dev.holdfast.tx.testkit.junit.RollbackExtension;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Each test of this class leaves nothing to the next, and nothing after the last. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RollbackExtensionTest {
    private static final String ALL = "select id from t order by id";

    @TempDir
    private static Path folder;

    private static Transactor db;

    @RegisterExtension
    static final RollbackExtension ROLLBACK = RollbackExtension.on(() -> db);

    /** What an application would keep: made once. */
    private static final Transactor APP = ROLLBACK.transactor();

    @BeforeAll
    static void open() throws SQLException {
        db = Holdfast.connect("jdbc:sqlite:" + folder.resolve("t.db"));
        db.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute("create table t (id int primary key, v int)");
            }
        });
        assertThatThrownBy(() -> insert(APP, "t", 9))
                .isInstanceOf(TxStateException.class)
                .hasMessageContaining("No test has a fixture open");
    }

    @AfterAll
    static void close() throws SQLException {
        assertThat(ints(db, ALL)).as("what the tests left").isEmpty();
        db.close();
    }

    @BeforeEach
    void first() throws SQLException {
        insert(APP, "t", 1);
    }

    @AfterEach
    void last() throws SQLException {
        assertThat(ints(APP, ALL)).as("what a test did, seen after it").startsWith(1);
    }

    @Test
    @Order(1)
    void a_test_sees_what_it_did_and_what_was_done_before_it() throws SQLException {
        insert(APP, "t", 2);
        assertThat(ints(APP, ALL)).containsExactly(1, 2);
    }

    @Test
    @Order(2)
    void the_next_test_sees_nothing_of_that() throws SQLException {
        assertThat(ints(APP, ALL)).containsExactly(1);
    }

    @Test
    void a_method_may_take_the_fixture_its_transactor_and_its_transaction(
            RollbackFixture fixture, Transactor app, Tx tx) throws SQLException {
        assertThat(fixture).isSameAs(ROLLBACK.fixture());
        assertThat(app).isSameAs(fixture.transactor());
        insert(app, "t", 2);
        assertThat(ints(tx, ALL)).containsExactly(1, 2);
    }

    @Test
    void a_thread_that_the_application_starts_works_in_the_fixture_of_the_only_test() throws Exception {
        Threads.run(() -> insert(APP, "t", 2)).get();
        assertThat(ints(APP, ALL)).containsExactly(1, 2);
    }

    @Nested
    class Inside {
        @BeforeEach
        void second() throws SQLException {
            insert(APP, "t", 2);
        }

        @Test
        void a_nested_test_has_one_fixture_for_all_that_is_done_before_it() throws SQLException {
            assertThat(ints(APP, ALL)).containsExactly(1, 2);
        }
    }
}
