package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.Isolation.READ_COMMITTED;
import static dev.holdfast.tx.Isolation.READ_UNCOMMITTED;
import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.Isolation.SNAPSHOT;
import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.postgres.PostgresOptions.SynchronousCommit;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each option takes effect on the server. */
class PlansOnServerTest extends ServerTest {
    private static final TxOptions NONE = TxOptions.none();

    private Session begun(TxOptions options) throws SQLException {
        return begun(Wish.of(options), "");
    }

    private Session begun(Wish wish, String parameters) throws SQLException {
        Session session = open(parameters);
        session.perform(plan(wish).begin());
        return session;
    }

    private TxPlan plan(Wish wish) throws SQLException {
        return DIALECT.plan(wish, profile());
    }

    private static Arguments effect(TxOptions options, String setting, String value) {
        return Arguments.of(options, setting, value);
    }

    static Stream<Arguments> effects() {
        return Stream.of(
                effect(TxOptions.of(READ_UNCOMMITTED), "transaction_isolation", "read committed"),
                effect(TxOptions.of(READ_COMMITTED), "transaction_isolation", "read committed"),
                effect(TxOptions.of(REPEATABLE_READ), "transaction_isolation", "repeatable read"),
                effect(TxOptions.of(SNAPSHOT), "transaction_isolation", "repeatable read"),
                effect(TxOptions.of(SERIALIZABLE), "transaction_isolation", "serializable"),
                effect(NONE.readOnly(), "transaction_read_only", "on"),
                effect(NONE.readWrite(), "transaction_read_only", "off"),
                effect(NONE.readOnlyHint(), "transaction_read_only", "off"),
                effect(NONE.readOnly().lockTimeout(ofSeconds(1)), "transaction_read_only", "on"),
                effect(TxOptions.of(SERIALIZABLE).readOnly(), "transaction_read_only", "on"),
                effect(deferrable(true), "transaction_deferrable", "on"),
                effect(deferrable(false), "transaction_deferrable", "off"),
                effect(NONE.lockTimeout(ofSeconds(2)), "lock_timeout", "2s"),
                effect(NONE.statementTimeout(ofSeconds(5)), "statement_timeout", "5s"),
                effect(synchronous(SynchronousCommit.OFF), "synchronous_commit", "off"),
                effect(synchronous(SynchronousCommit.LOCAL), "synchronous_commit", "local"),
                effect(synchronous(SynchronousCommit.REMOTE_WRITE), "synchronous_commit", "remote_write"),
                effect(synchronous(SynchronousCommit.ON), "synchronous_commit", "on"),
                effect(synchronous(SynchronousCommit.REMOTE_APPLY), "synchronous_commit", "remote_apply"));
    }

    private static TxOptions deferrable(boolean value) {
        return TxOptions.of(SERIALIZABLE).readOnly().with(PostgresOptions.DEFERRABLE, value);
    }

    private static TxOptions synchronous(SynchronousCommit value) {
        return NONE.with(PostgresOptions.SYNCHRONOUS_COMMIT, value);
    }

    @ParameterizedTest(name = "{0}: {1} = {2}")
    @MethodSource("effects")
    void anOptionIsInForceOnTheServer(TxOptions options, String setting, String value) throws SQLException {
        assertThat(begun(options).ask("SHOW " + setting)).isEqualTo(value);
    }

    @Test
    void theWholeTimeoutHasATwinOneSecondLater() throws SQLException {
        String setting = major >= 17 ? "transaction_timeout" : "idle_in_transaction_session_timeout";

        assertThat(begun(NONE.wholeTimeout(ofSeconds(30))).ask("SHOW " + setting))
                .isEqualTo("31s");
    }

    @Test
    void aLevelIsSentThoughItIsTheDefault_theSessionMayHaveAnother() throws SQLException {
        Session session = open();
        session.run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE");
        session.perform(plan(Wish.of(TxOptions.of(READ_COMMITTED))).begin());

        assertThat(session.ask("SHOW transaction_isolation")).isEqualTo("read committed");
    }

    @ParameterizedTest
    @MethodSource("driverParameters")
    void readOnlyAloneIsEnforcedHoweverTheDriverIsConfigured(String parameters) throws SQLException {
        Session session = begun(Wish.of(NONE.readOnly()), parameters);

        assertThatThrownBy(() -> session.run("INSERT INTO item VALUES (3, 0)"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25006"));
    }

    static Stream<String> driverParameters() {
        return Stream.of(
                "",
                "&readOnlyMode=transaction",
                "&readOnlyMode=always",
                "&readOnlyMode=ignore",
                "&preferQueryMode=simple",
                "&preferQueryMode=extendedForPrepared",
                "&autosave=always");
    }

    @ParameterizedTest
    @MethodSource("driverParameters")
    void optionsAreInForceHoweverTheDriverIsConfigured(String parameters) throws SQLException {
        Wish wish = Wish.of(deferrable(true).lockTimeout(ofSeconds(2)));
        Session session = begun(wish, parameters);

        assertThat(session.ask("SELECT concat_ws(' ', current_setting('transaction_isolation'),"
                        + " current_setting('transaction_read_only'), current_setting('transaction_deferrable'),"
                        + " current_setting('lock_timeout'))"))
                .isEqualTo("serializable on on 2s");
    }

    @Test
    void constraintsAreDeferredToCommit() throws SQLException {
        open().run("CREATE TABLE part (item int REFERENCES item DEFERRABLE)");
        Session session = begun(NONE.deferConstraints());
        session.run("INSERT INTO part VALUES (99)");

        assertThatThrownBy(() -> session.perform(plan(Wish.of(NONE)).commit().message()))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23503"));
    }

    @Test
    void aConstraintOfAnyNameIsDeferred() throws SQLException {
        Session maker = open();
        maker.run("CREATE TABLE part (item int, other int,"
                + " CONSTRAINT \"Odd \"\"name\"\"; --\" FOREIGN KEY (item) REFERENCES item DEFERRABLE,"
                + " CONSTRAINT plain FOREIGN KEY (other) REFERENCES item DEFERRABLE)");
        Session session = begun(NONE.deferConstraints("Odd \"name\"; --"));
        session.run("INSERT INTO part VALUES (99, null)");

        assertThatThrownBy(() -> session.run("INSERT INTO part VALUES (null, 99)"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23503"));
    }

    @Test
    void aConstraintIsFoundInItsSchema() throws SQLException {
        Session maker = open();
        maker.run("CREATE TABLE part (item int, CONSTRAINT elsewhere FOREIGN KEY (item) REFERENCES item DEFERRABLE)");
        String schema = maker.ask("SELECT current_schema()");
        Session session = open();
        session.run("SET search_path = pg_catalog");
        session.perform(
                plan(Wish.of(NONE.deferConstraints(schema + ".elsewhere"))).begin());

        session.run("INSERT INTO " + schema + ".part VALUES (99)");
    }

    @Test
    void constraintsAreCheckedAtOnce() throws SQLException {
        open().run("CREATE TABLE part (item int REFERENCES item DEFERRABLE INITIALLY DEFERRED)");
        Session session = begun(NONE.checkConstraintsImmediately());

        assertThatThrownBy(() -> session.run("INSERT INTO part VALUES (99)"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23503"));
    }

    @Test
    void thePositionReadWithCommitIsNotBeforeTheCommit() throws SQLException {
        Wish wish = Wish.of(NONE).carrying(Carry.POSITION);
        Session session = begun(wish, "");
        session.run("INSERT INTO item VALUES (3, 0)");
        session.perform(plan(wish).commit().message());
        String position = session.slots.get("position");

        assertThat(count("id = 3")).isOne();
        assertThat(open().ask("SELECT substr('" + position + "', 10)::pg_lsn <= pg_current_wal_insert_lsn()"))
                .isEqualTo("t");
        assertThat(session.state()).isEqualTo(DriverState.IDLE);
    }

    @Test
    void aPlainBeginSendsNothing() throws SQLException {
        Session session = begun(NONE);

        assertThat(session.state()).isEqualTo(DriverState.IDLE);
    }

    @Test
    void readOnlyAloneSendsNothingAtBegin() throws SQLException {
        Session session = begun(NONE.readOnly());

        assertThat(session.state()).isEqualTo(DriverState.IDLE);
    }
}
