package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Match;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A driver that breaks during a statement: what that statement commits by itself may be done. */
class DriverCrashTest {
    private static <T> T fake(Class<T> type) {
        Object fake = Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, arguments) -> answer(method.getName(), method.getReturnType()));
        return type.cast(fake);
    }

    private static @Nullable Object answer(String method, Class<?> type) {
        if (method.equals("execute")) {
            throw new IllegalStateException("the driver is broken");
        }
        if (type == Connection.class || type == DatabaseMetaData.class || type == Statement.class) {
            return fake(type);
        }
        return type == boolean.class ? Boolean.TRUE : null;
    }

    private static Outcome outcomeOf(String sql) {
        List<Outcome> outcomes = new ArrayList<>();
        try (Transactor db = Holdfast.builder(fake(DataSource.class))
                .dialect(Made.dialect("made", Match.EXACT))
                .build()) {
            Throwable thrown = catchThrowable(() -> db.execute(tx -> {
                tx.afterCompletion(outcomes::add);
                tx.connection().createStatement().execute(sql);
            }));
            assertThat(thrown).isInstanceOf(IllegalStateException.class).hasMessage("the driver is broken");
        }
        assertThat(outcomes).hasSize(1);
        return outcomes.get(0);
    }

    @Test
    void in_a_definition_it_leaves_the_outcome_unknown() {
        assertThat(outcomeOf("create table t (id int)")).isInstanceOf(Outcome.Unknown.class);
    }

    @Test
    void in_another_statement_it_leaves_nothing() {
        assertThat(outcomeOf("insert into t values (1)")).isInstanceOf(Outcome.RolledBack.class);
    }
}
