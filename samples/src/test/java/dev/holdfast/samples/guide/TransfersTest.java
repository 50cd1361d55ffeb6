package dev.holdfast.samples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.fixture.FixtureHook;
import dev.holdfast.tx.testkit.fixture.HookMode;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import dev.holdfast.tx.testkit.junit.RollbackExtension;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class TransfersTest {
    private static final int ALICE = 1;
    private static final int BOB = 2;

    private static Transactor db;

    @BeforeAll
    static void open(@TempDir Path folder) throws SQLException {
        db = Holdfast.connect("jdbc:sqlite:" + folder.resolve("bank.db"));
        Recipes.createTable(db);
    }

    @AfterAll
    static void close() {
        assertThatThrownBy(() -> new Accounts(db).balance(ALICE)).isInstanceOf(NoSuchElementException.class);
        db.close();
    }

    // region junit
    @RegisterExtension
    static final RollbackExtension ROLLBACK = RollbackExtension.on(() -> db);

    private final List<Integer> told = new ArrayList<>();
    private final Transfers transfers = new Transfers(ROLLBACK.transactor(), told::add);
    private final Accounts accounts = new Accounts(ROLLBACK.transactor());

    @BeforeEach
    void openAccounts() throws SQLException {
        accounts.open(ALICE, 100); // rolled back after each test, like all that follows
        accounts.open(BOB, 0);
    }

    @Test
    void who_got_the_money_is_told() throws SQLException {
        transfers.transfer(60, ALICE, BOB);
        assertThat(accounts.balance(BOB)).isEqualTo(60);
        assertThat(told).containsExactly(BOB);
    }

    @Test
    void what_is_not_there_is_not_moved() throws SQLException {
        assertThatThrownBy(() -> transfers.transfer(101, ALICE, BOB)).isInstanceOf(SQLException.class);
        assertThat(accounts.balance(ALICE)).isEqualTo(100);
        assertThat(told).isEmpty();
    }
    // endregion

    // region hooks
    @Test
    void a_transfer_has_one_hook(RollbackFixture fixture) {
        transfers.transfer(60, ALICE, BOB);
        assertThat(fixture.hooks()).extracting(FixtureHook::label).containsExactly("transfer");
    }
    // endregion

    @Test
    void hooks_are_kept_where_that_is_asked_for() throws SQLException {
        ROLLBACK.fixture().close(); // there is one writer
        keepHooks(db, told);
        assertThat(told).containsExactly(BOB);
    }

    // region core
    private static void keepHooks(Transactor db, List<Integer> told) throws SQLException {
        try (RollbackFixture fixture = RollbackFixture.open(db, HookMode.KEEP)) {
            new Accounts(fixture.transactor()).open(ALICE, 100);
            new Accounts(fixture.transactor()).open(BOB, 0);
            new Transfers(fixture.transactor(), told::add).transfer(60, ALICE, BOB);
            assertThat(told).isEmpty();
            fixture.runAfterCommitHooks();
            assertThat(told).containsExactly(BOB);
        }
    }
    // endregion
}
