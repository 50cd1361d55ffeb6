package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** The port answers whatever the driver is. */
class PgjdbcPortTest {
    @Test
    void aConnectionOfAnotherDriverIsUnknown() {
        assertThat(PgjdbcPort.INSTANCE.state(Unconnected.CONNECTION)).isEqualTo(DriverState.UNKNOWN);
    }

    @Test
    void anErrorOfAnotherDriverIsUnknown() {
        assertThat(PgjdbcPort.origin(new SQLException("no", "23505"))).isEqualTo(PgjdbcPort.Origin.UNKNOWN);
    }

    @Test
    void withoutTheDriverEveryConnectionIsUnknown() throws Exception {
        try (WithoutDriver world = new WithoutDriver()) {
            assertThat(world.dialect().port().state(Unconnected.CONNECTION)).isEqualTo(DriverState.UNKNOWN);
        }
    }

    @Test
    void withoutTheDriverErrorsAreStillClassified() throws Exception {
        try (WithoutDriver world = new WithoutDriver()) {
            Moment moment = Moment.of(Phase.STATEMENT, Wish.of(TxOptions.none()));
            Dialect dialect = world.dialect();

            assertThat(dialect.classify(new SQLException("no", "23505"), moment, dialect.typicalProfile())
                            .kind())
                    .hasToString("UNIQUE");
        }
    }

    @Test
    void withoutTheDriverTheFenceIsText_forNobodyCanLook() throws Exception {
        try (WithoutDriver world = new WithoutDriver()) {
            Dialect dialect = world.dialect();

            assertThat(dialect.plan(Wish.of(TxOptions.none()), dialect.typicalProfile())
                            .commit())
                    .hasToString("SELECT 1 -> [fence]; COMMIT | <autocommit on>");
        }
    }

    /** The dialect's classes once more, in a world where pgjdbc is not. */
    private static final class WithoutDriver extends URLClassLoader {
        WithoutDriver() {
            super(
                    new URL[] {
                        PostgresDialect.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                    },
                    WithoutDriver.class.getClassLoader());
        }

        Dialect dialect() throws ReflectiveOperationException {
            return (Dialect) loadClass(PostgresDialect.class.getName(), true)
                    .getConstructor()
                    .newInstance();
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.startsWith("org.postgresql.")) {
                throw new ClassNotFoundException(name);
            }
            if (!name.startsWith("dev.holdfast.tx.postgres.")) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : findClass(name);
            }
        }

        @Override
        public void close() throws IOException {
            super.close();
        }
    }
}
