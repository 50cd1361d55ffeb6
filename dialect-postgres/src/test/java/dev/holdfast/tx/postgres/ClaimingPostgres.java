package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.EngineSetup;
import javax.sql.DataSource;

/** PostgreSQL, with a dialect that says of one level that it is another model than it is. */
final class ClaimingPostgres implements DatabaseUnderTest {
    private final PostgresUnderTest real = new PostgresUnderTest(18);
    private final Isolation level;
    private final IsolationModel claimed;

    ClaimingPostgres(Isolation level, IsolationModel claimed) {
        this.level = level;
        this.claimed = claimed;
    }

    @Override
    public String name() {
        return real.name() + " with " + level + " claimed to be " + claimed;
    }

    @Override
    public Dialect dialect() {
        return new Claiming();
    }

    @Override
    public DataSource sessions() {
        return real.sessions();
    }

    @Override
    public DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit) {
        return real.pool(sessions, size, autocommit);
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        return Holdfast.builder(setup.dataSource())
                .dialect(dialect())
                .options(setup.options())
                .build();
    }

    private final class Claiming extends AlteredPostgres {
        @Override
        public String name() {
            return super.name() + "-" + level + "-as-" + claimed;
        }

        @Override
        public Profile profile(Identity identity, Answers answers) {
            return claiming(super.profile(identity, answers), level, claimed);
        }

        @Override
        public Profile typicalProfile() {
            return claiming(super.typicalProfile(), level, claimed);
        }
    }
}
