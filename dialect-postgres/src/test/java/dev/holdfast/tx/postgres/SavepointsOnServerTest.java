package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Savepoints undo what came after them, and are forgotten. */
class SavepointsOnServerTest extends ServerTest {
    private Session session;
    private Savepoints savepoints;

    @BeforeEach
    void begin() throws SQLException {
        session = open();
        savepoints = DIALECT.savepoints(profile());
        session.perform(plan().begin());
    }

    private TxPlan plan() throws SQLException {
        return DIALECT.plan(Wish.of(TxOptions.none()), profile());
    }

    @Test
    void rollingBackToOneUndoesWhatCameAfterIt() throws SQLException {
        session.run("INSERT INTO item VALUES (3, 0)");
        session.perform(savepoints.set("hf_1"));
        session.run("INSERT INTO item VALUES (4, 0)");
        session.perform(savepoints.rollbackTo("hf_1"));
        session.perform(plan().commit().message());

        assertThat(count("id = 3")).isOne();
        assertThat(count("id = 4")).isZero();
    }

    @Test
    void rollingBackToOneHealsAnError() throws SQLException {
        session.perform(savepoints.set("hf_1"));
        session.fail();
        session.perform(savepoints.rollbackTo("hf_1"));
        session.run("INSERT INTO item VALUES (3, 0)");
        session.perform(plan().commit().message());

        assertThat(count("id = 3")).isOne();
    }

    @Test
    void rollingBackToOneForgetsIt() throws SQLException {
        session.perform(savepoints.set("hf_1"));
        session.perform(savepoints.rollbackTo("hf_1"));

        assertThat(session.errorOf("ROLLBACK TO SAVEPOINT hf_1").getSQLState()).isEqualTo("3B001");
    }

    @Test
    void rollingBackToOneForgetsThoseWithinIt() throws SQLException {
        session.perform(savepoints.set("hf_1"));
        session.perform(savepoints.set("hf_2"));
        session.perform(savepoints.rollbackTo("hf_1"));

        assertThat(session.errorOf("RELEASE SAVEPOINT hf_2").getSQLState()).isEqualTo("3B001");
    }

    @Test
    void releasingOneKeepsWhatCameAfterIt() throws SQLException {
        session.perform(savepoints.set("hf_1"));
        session.run("INSERT INTO item VALUES (3, 0)");
        session.perform(savepoints.release("hf_1"));
        session.perform(plan().commit().message());

        assertThat(count("id = 3")).isOne();
    }
}
