package dev.holdfast.samples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecipesTest {
    private static final int ALICE = 1;
    private static final int BOB = 2;
    private static final int NOBODY = 3;

    private final List<Integer> told = new ArrayList<>();
    private String url;
    private Transactor db;
    private Recipes recipes;

    @BeforeEach
    void open(@TempDir Path folder) throws SQLException {
        url = "jdbc:sqlite:" + folder.resolve("bank.db");
        db = Holdfast.connect(url);
        Recipes.createTable(db);
        new Accounts(db).open(ALICE, 500);
        new Accounts(db).open(BOB, 0);
        recipes = new Recipes(db, told::add);
    }

    @AfterEach
    void close() {
        db.close();
    }

    private long balance(int id) throws SQLException {
        return new Accounts(db).balance(id);
    }

    @Test
    void a_value_is_returned_once_it_is_committed() throws SQLException {
        assertThat(recipes.valueOut(ALICE, BOB)).isEqualTo(400);
        assertThat(balance(ALICE)).isEqualTo(400);
    }

    @Test
    void a_helper_works_with_and_without_a_transaction() throws SQLException {
        assertThat(recipes.withAndWithout(ALICE, BOB)).isEqualTo(50);
        assertThat(balance(BOB)).isEqualTo(50);
    }

    @Test
    void the_failure_of_a_savepoint_is_survived() throws SQLException {
        recipes.nest(ALICE, BOB, NOBODY);
        assertThat(balance(BOB)).isEqualTo(100);
        assertThatThrownBy(() -> balance(NOBODY)).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void scopes_join_nest_and_stand_apart() throws SQLException {
        recipes.propagate(ALICE, BOB);
        assertThat(balance(BOB)).isEqualTo(20);
    }

    @Test
    void a_limit_that_passes_is_told_by_name_and_nothing_is_moved() throws SQLException {
        try (Transactor other = Holdfast.connect(url);
                UnmanagedTx writer = other.begin()) {
            new Accounts(writer).move(1, ALICE, BOB); // SQLite has one writer
            assertThat(recipes.limits(ALICE, BOB)).isEqualTo("not moved within the LOCK limit of PT0.5S");
        }
        assertThat(recipes.limits(ALICE, BOB)).isEqualTo("moved");
        assertThat(balance(ALICE)).isEqualTo(400);
    }

    @Test
    void what_is_started_inside_can_have_a_pool_of_its_own(@TempDir Path folder) {
        try (Transactor two = Recipes.withSeparatePool("jdbc:sqlite:" + folder.resolve("two.db"))) {
            boolean apart = two.transact(
                    TxOptions.none().readOnly(),
                    outer -> two.transact(
                            TxOptions.none().readOnly().propagation(Propagation.SEPARATE), inner -> inner != outer));
            assertThat(apart).isTrue();
        }
    }

    @Test
    void hooks_fire_once_for_the_end_that_came() {
        List<String> log = new ArrayList<>();
        recipes.hooks(ALICE, BOB, log::add);
        assertThat(log).containsExactly("still inside: throw here, and it is rolled back", "committed");
        assertThat(told).containsExactly(BOB);
    }

    @Test
    void hooks_after_a_rollback_tell_the_reason() {
        List<String> log = new ArrayList<>();
        assertThatThrownBy(() -> db.execute(tx -> {
                    recipes.hooks(ALICE, BOB, log::add);
                    throw new IllegalStateException("no");
                }))
                .hasMessage("no");
        assertThat(log).containsExactly("nothing of it is there", "rolled back: BODY_FAILED");
        assertThat(told).isEmpty();
    }

    @Test
    void an_unknown_outcome_is_called_unknown() {
        assertThat(Recipes.describe(new Outcome.Unknown(new SQLException("gone"))))
                .isEqualTo("COMMIT was sent, its answer was lost");
    }

    @Test
    void a_dry_run_returns_and_leaves_nothing() throws SQLException {
        assertThat(recipes.dryRun(ALICE, BOB)).isEqualTo(400);
        assertThat(balance(ALICE)).isEqualTo(500);
    }

    @Test
    void a_binding_makes_a_repository_for_each_transaction() throws SQLException {
        assertThat(recipes.bind(ALICE, BOB)).isEqualTo(400);
        assertThat(balance(BOB)).isEqualTo(100);
    }

    @Test
    void an_unmanaged_transaction_is_ambient_within_a_block() throws SQLException {
        recipes.unmanaged(ALICE, BOB);
        assertThat(balance(BOB)).isEqualTo(100);
    }

    @Test
    void a_row_is_locked_by_a_template() {
        assertThat(recipes.lockOne(1)).isEqualTo(ALICE);
        assertThat(recipes.lockOne(1_000)).isEqualTo(-1);
    }

    @Test
    void one_table_of_a_join_is_locked() {
        assertThat(recipes.lockIfPoorer(BOB, ALICE)).isTrue();
        assertThat(recipes.lockIfPoorer(ALICE, BOB)).isFalse();
    }

    @Test
    void errors_are_told_by_kind() {
        assertThat(recipes.openTwice(NOBODY)).isEqualTo("opened");
        assertThat(recipes.openTwice(NOBODY)).isEqualTo("was open already");
    }
}
