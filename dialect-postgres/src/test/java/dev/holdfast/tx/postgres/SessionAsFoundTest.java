package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every plan ends, from every state, with no transaction and with the session as it was found. */
class SessionAsFoundTest extends ServerTest {
    private static final String OTHER_DRIVER = "Some Other Driver";

    @BeforeEach
    void createConstraintsThatOptionsName() throws SQLException {
        Session session = open();
        session.run("CREATE SCHEMA IF NOT EXISTS shop");
        session.run("CREATE TABLE IF NOT EXISTS shop.part (a int CONSTRAINT item_fk UNIQUE DEFERRABLE)");
        session.run(
                "CREATE TABLE part (a int CONSTRAINT item_fk UNIQUE DEFERRABLE, b int CONSTRAINT a UNIQUE DEFERRABLE,"
                        + " c int CONSTRAINT b UNIQUE DEFERRABLE, d int CONSTRAINT \"Odd \"\"name\"\"; --\" UNIQUE DEFERRABLE)");
    }

    static Stream<Arguments> pools() {
        return Stream.of(Autocommit.values())
                .flatMap(autocommit ->
                        Stream.of(Profiles.PGJDBC, OTHER_DRIVER).map(driver -> Arguments.of(autocommit, driver)));
    }

    /** A plan on trial. */
    @FunctionalInterface
    private interface Trial {
        void run(TxPlan plan, boolean writes) throws SQLException;
    }

    /** Tries every plan there is for such a pool on one session, which must be as it was found each time. */
    private void tryAll(Session session, Autocommit autocommit, String driver, Trial trial) throws SQLException {
        session.connection.setAutoCommit(autocommit == Autocommit.ON);
        String allFound = session.allSettings();
        String found = session.ownSettings();
        Profile profile = profile(autocommit, driver);
        for (Map.Entry<String, Wish> each : wishes().entrySet()) {
            TxPlan plan;
            try {
                plan = DIALECT.plan(each.getValue(), profile);
            } catch (TxUnsupportedException refused) {
                continue;
            }
            trial.run(plan, each.getValue().options().access() != Access.READ_ONLY);
            assertThat(session.ownSettings()).as(each.getKey()).isEqualTo(found);
        }
        assertThat(session.allSettings()).isEqualTo(allFound);
    }

    private static Map<String, Wish> wishes() {
        Map<String, TxOptions> all = new LinkedHashMap<>(GoldenPlansTest.alone());
        all.putAll(GoldenPlansTest.combinations());
        Map<String, Wish> wishes = new LinkedHashMap<>();
        all.forEach((name, options) -> wishes.put(name, Wish.of(options)));
        for (String name : List.of("plain", "READ_ONLY", "everything that writes", "everything that reads")) {
            Wish wish = wishes.get(name);
            if (wish != null) {
                wishes.put(name + ", position", wish.carrying(Carry.POSITION));
            }
        }
        return wishes;
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterCommit(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        AtomicInteger written = new AtomicInteger();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            session.perform(plan.begin());
            session.run(writes ? "INSERT INTO item VALUES (" + (100 + written.incrementAndGet()) + ", 0)" : "SELECT 1");
            session.perform(plan.commit().message());
        });

        assertThat(count("id > 100")).isEqualTo(written.get()).isGreaterThan(20);
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortOfNothing(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            session.perform(plan.begin());
            session.perform(plan.abort());
        });
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortOfWork(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            session.perform(plan.begin());
            session.run(writes ? "INSERT INTO item VALUES (3, 0)" : "SELECT 1");
            session.perform(plan.abort());
        });

        assertThat(count("id = 3")).isZero();
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortOfWhatFailed(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            session.perform(plan.begin());
            session.run(writes ? "INSERT INTO item VALUES (3, 0)" : "SELECT 1");
            session.fail();
            session.perform(plan.abort());
        });

        assertThat(count("id = 3")).isZero();
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortOfABeginThatFailedAtAnyStep(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            for (Message failing : failingAtEachStep(plan.begin())) {
                assertThatThrownBy(() -> session.perform(failing)).isInstanceOf(SQLException.class);
                session.perform(plan.abort());
            }
        });
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortOfACommitThatFailedAtAnyStep(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            for (Message failing : failingAtEachStep(plan.commit().message())) {
                session.perform(plan.begin());
                session.run("SELECT 1");
                assertThatThrownBy(() -> session.perform(failing)).isInstanceOf(SQLException.class);
                session.perform(plan.abort());
            }
        });
    }

    private static List<Message> failingAtEachStep(Message message) {
        List<Message> all = new ArrayList<>();
        for (int done = 0; done <= message.steps().size(); done++) {
            List<Step> steps = new ArrayList<>(message.steps().subList(0, done));
            steps.add(Step.sql("SELECT 1/0"));
            all.add(new Message(message.travel(), steps));
        }
        return all;
    }

    @ParameterizedTest(name = "autocommit {0}, {1}")
    @MethodSource("pools")
    void afterAbortWithoutABeginAndTwice(Autocommit autocommit, String driver) throws SQLException {
        Session session = open();
        tryAll(session, autocommit, driver, (plan, writes) -> {
            session.perform(plan.abort());
            session.perform(plan.abort());
        });
    }

    @Test
    void afterAbortOfACommitThatTheServerRefused() throws SQLException {
        Session session = open();
        session.run("CREATE TABLE child (item int REFERENCES item DEFERRABLE)");
        String found = session.allSettings();
        TxPlan plan = DIALECT.plan(Wish.of(TxOptions.none().deferConstraints()), profile());
        session.perform(plan.begin());
        session.run("INSERT INTO child VALUES (99)");
        assertThatThrownBy(() -> session.perform(plan.commit().message())).isInstanceOf(SQLException.class);
        session.perform(plan.abort());

        assertThat(session.allSettings()).isEqualTo(found);
    }

    @Test
    void theTextFenceRefusesToCommitWhatAnErrorHasAborted() throws SQLException {
        Session session = open();
        TxPlan plan = DIALECT.plan(Wish.of(TxOptions.none()), profile(Autocommit.ON, OTHER_DRIVER));
        session.perform(plan.begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        session.fail();

        assertThatThrownBy(() -> session.perform(plan.commit().message()))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25P02"));
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void theDriverAloneCommitsWhatAnErrorHasAbortedWithoutAWord_soItIsAskedBefore() throws SQLException {
        Session session = open();
        TxPlan plan = DIALECT.plan(Wish.of(TxOptions.none()), profile());
        session.perform(plan.begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        session.fail();

        assertThat(session.state()).isEqualTo(DriverState.FAILED);
        session.perform(plan.commit().message());
        assertThat(count("id = 3")).isZero();
    }
}
