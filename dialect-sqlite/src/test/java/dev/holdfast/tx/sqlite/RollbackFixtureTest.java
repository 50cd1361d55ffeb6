package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.fixture.HookMode;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the conformance cases cannot show of a fixture: how long it waits, and what of the defaults is for whom. */
class RollbackFixtureTest {
    private static final String ALL = "select id from t order by id";

    @TempDir
    private Path folder;

    private Transactor db;
    private Transactor other;

    @BeforeEach
    void open() throws SQLException {
        db = database("one.db", builder -> builder.patience(Duration.ofMillis(100)));
        other = database("other.db", builder -> builder);
    }

    @AfterEach
    void close() {
        db.close();
        other.close();
    }

    private Transactor database(String file, UnaryOperator<Holdfast.Builder> change) throws SQLException {
        Transactor made = change.apply(Holdfast.builder("jdbc:sqlite:" + folder.resolve(file)))
                .build();
        made.withConnection(connection -> run(connection, "create table if not exists t (id int primary key, v int)"));
        return made;
    }

    private static boolean run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }

    private static <T extends @Nullable Object> T await(CompletableFuture<T> work) throws Exception {
        return work.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
    }

    @Test
    void a_transaction_that_waits_for_a_thread_that_waits_for_the_fixture_is_refused_in_the_end() throws Exception {
        try (RollbackFixture fixture = RollbackFixture.open(db)) {
            Transactor app = fixture.transactor();
            app.execute(tx -> {
                insert(tx, "t", 1);
                assertThatThrownBy(() -> await(Threads.run(() -> app.execute(own -> insert(own, "t", 2)))))
                        .hasCauseInstanceOf(TxStateException.class)
                        .hasMessageContaining(
                                "in use by thread '" + Thread.currentThread().getName());
            });
            assertThat(ints(app, ALL)).containsExactly(1);
        }
        assertThat(ints(db, ALL)).isEmpty();
    }

    @Test
    void work_that_outlasts_the_test_is_cut_off_and_the_test_is_told() throws Exception {
        CompletableFuture<@Nullable Void> inside = new CompletableFuture<>();
        CompletableFuture<@Nullable Void> goOn = new CompletableFuture<>();
        RollbackFixture fixture = RollbackFixture.open(db);
        Transactor app = fixture.transactor();
        CompletableFuture<@Nullable Void> straggler = Threads.run(() -> app.execute(tx -> {
            insert(tx, "t", 1);
            inside.complete(null);
            await(goOn);
            insert(tx, "t", 2);
        }));
        await(inside);
        assertThatThrownBy(fixture::close)
                .isInstanceOf(TxStateException.class)
                .hasMessageContaining("on another thread, which was cut off");
        goOn.complete(null);
        assertThatThrownBy(() -> await(straggler)).hasCauseInstanceOf(SQLException.class);
        fixture.close();
        assertThatThrownBy(() -> insert(app, "t", 3))
                .isInstanceOf(TxStateException.class)
                .hasMessageContaining("The fixture was closed");
        assertThat(ints(db, ALL)).isEmpty();
        db.execute(tx -> insert(tx, "t", 4));
    }

    @Test
    void two_databases_have_a_fixture_each() throws SQLException {
        try (RollbackFixture one = RollbackFixture.open(db);
                RollbackFixture two = RollbackFixture.open(other)) {
            one.transactor().execute(tx -> {
                insert(tx, "t", 1);
                two.transactor().execute(inner -> {
                    insert(inner, "t", 2);
                    insert(one.transactor(), "t", 3);
                });
            });
            assertThat(ints(one.tx(), ALL)).containsExactly(1, 3);
            assertThat(ints(two.tx(), ALL)).containsExactly(2);
        }
        assertThat(ints(db, ALL)).isEmpty();
        assertThat(ints(other, ALL)).isEmpty();
    }

    @Test
    void a_fixture_in_a_fixture_on_the_same_database_is_rejected() {
        try (RollbackFixture fixture = RollbackFixture.open(db)) {
            assertThatThrownBy(() -> RollbackFixture.open(fixture.transactor()))
                    .isInstanceOf(TxRejectedException.class);
        }
    }

    @Test
    void defaults_that_limit_a_transaction_are_not_for_the_fixture_but_for_each_in_it() throws SQLException {
        Transactor limited = db.withOptions(none -> none.wholeTimeout(Duration.ofSeconds(9))
                .lockTimeout(Duration.ofSeconds(8))
                .readOnly());
        try (RollbackFixture fixture = RollbackFixture.open(limited)) {
            assertThat(fixture.tx().options().wholeTimeout()).isNull();
            assertThat(fixture.tx().options().access()).isNull();
            assertThat(fixture.tx().options().lockTimeout()).isEqualTo(Duration.ofSeconds(8));
            TxOptions inForce = fixture.transactor().transact(tx -> tx.options());
            assertThat(inForce.wholeTimeout()).isEqualTo(Duration.ofSeconds(9));
            assertThat(inForce.lockTimeout()).isEqualTo(Duration.ofSeconds(8));
        }
    }

    @Test
    void where_transactions_are_not_ambient_each_is_one_of_its_own_in_the_fixture_too() throws SQLException {
        try (Transactor explicit = database("one.db", builder -> builder.ambient(Ambient.OFF));
                RollbackFixture fixture = RollbackFixture.open(explicit, TxOptions.none(), HookMode.FIRE)) {
            Transactor app = fixture.transactor();
            app.execute(tx -> {
                insert(tx, "t", 1);
                app.execute(own -> {
                    insert(own, "t", 2);
                    own.setRollbackOnly("planned by the test");
                });
                assertThat(tx.isRollbackOnly()).isFalse();
                assertThat(app.current()).isNull();
            });
            assertThat(ints(fixture.tx(), ALL)).containsExactly(1);
        }
        assertThat(ints(db, ALL)).isEmpty();
    }
}
