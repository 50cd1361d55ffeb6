package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import dev.holdfast.tx.testkit.junit.RollbackExtension;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** What becomes of a fixture around tests that fail; they are run here. */
class RollbackExtensionFailuresTest {
    private static final List<Integer> FIRED = new ArrayList<>();

    @TempDir
    private static Path folder;

    private static Transactor db;

    @BeforeAll
    static void open() throws SQLException {
        db = Holdfast.connect("jdbc:sqlite:" + folder.resolve("t.db"));
        db.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute("create table t (id int primary key, v int)");
            }
        });
    }

    @AfterAll
    static void close() {
        db.close();
    }

    private static TestExecutionSummary run(Class<?> tests) {
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(tests))
                                .build(),
                        listener);
        return listener.getSummary();
    }

    static class Failing {
        @RegisterExtension
        final RollbackExtension rollback = RollbackExtension.on(db).keepingHooks();

        @Test
        void fails(Transactor app) {
            app.execute(tx -> {
                insert(tx, "t", 1);
                tx.afterCommit(() -> FIRED.add(1));
            });
            throw new IllegalStateException("planned by the test");
        }

        @Test
        void closes_the_fixture_from_inside(RollbackFixture fixture) {
            fixture.transactor().execute(tx -> {
                insert(tx, "t", 2);
                fixture.close();
            });
        }
    }

    @Test
    void a_test_that_fails_is_rolled_back_and_keeps_its_failure() throws SQLException {
        assertThat(run(Failing.class).getFailures())
                .extracting(failure -> failure.getException().getMessage())
                .containsExactlyInAnyOrder(
                        "planned by the test", "The fixture was closed by work that runs in it; close it in the test");
        assertThat(FIRED).as("hooks that nobody asked for").isEmpty();
        assertThat(ints(db, "select id from t")).isEmpty();
    }

    static class Asking {
        private static final List<RollbackFixture> GIVEN = new ArrayList<>();

        @RegisterExtension
        static final RollbackExtension ROLLBACK = RollbackExtension.on(() -> db);

        @BeforeAll
        static void before(RollbackFixture none) {
            GIVEN.add(none);
        }

        @Test
        void never_runs() {}
    }

    @Test
    void where_no_fixture_can_be_open_none_is_given() {
        TestExecutionSummary summary = run(Asking.class);
        assertThat(Asking.GIVEN).isEmpty();
        assertThat(summary.getTestsStartedCount()).isZero();
        assertThat(summary.getFailures())
                .singleElement()
                .satisfies(failure ->
                        assertThat(failure.getException()).hasMessageContaining("A fixture is open for each test"));
    }
}
