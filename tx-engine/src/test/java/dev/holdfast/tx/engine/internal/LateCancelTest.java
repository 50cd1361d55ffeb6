package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Match;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** A cancel for a limit comes so late that the execution ends well: of the errors after it, it has caused only some. */
class LateCancelTest {
    private static final TxOptions LIMITED = TxOptions.none().statementTimeout(Duration.ofMillis(1));

    private final CountDownLatch cancelled = new CountDownLatch(1);
    private @Nullable SQLException raisedByRows;
    private @Nullable SQLException raisedByStatement;

    private final Transactor db = Holdfast.builder(driver(DataSource.class))
            .dialect(Made.dialect("made", Match.EXACT))
            .build();

    /** A driver whose executions end when they are cancelled, and as they would have without. */
    private <T> T driver(Class<T> type) {
        InvocationHandler answers = (self, method, arguments) -> switch (method.getName()) {
            case "getConnection" -> driver(Connection.class);
            case "getMetaData" -> driver(DatabaseMetaData.class);
            case "createStatement" -> driver(Statement.class);
            case "executeQuery" -> {
                assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
                raise(raisedByStatement);
                yield driver(ResultSet.class);
            }
            case "cancel" -> {
                cancelled.countDown();
                yield null;
            }
            case "next" -> {
                raise(raisedByRows);
                yield true;
            }
            case "getAutoCommit" -> true;
            case "getNetworkTimeout" -> 0;
            default -> method.getReturnType() == boolean.class ? false : null;
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, answers));
    }

    private static void raise(@Nullable SQLException error) throws SQLException {
        if (error != null) {
            throw error;
        }
    }

    private Throwable told() {
        return Objects.requireNonNull(catchThrowableOfType(
                SQLException.class,
                () -> db.execute(
                        LIMITED,
                        tx -> tx.connection()
                                .createStatement()
                                .executeQuery("select 1")
                                .next())));
    }

    private static void isTheLimit(Throwable told, SQLException raised) {
        assertThat(told.getCause()).isInstanceOfSatisfying(TxTimeoutException.class, limit -> {
            assertThat(limit.limit()).isEqualTo(TxTimeoutException.Limit.STATEMENT);
            assertThat(limit.getCause()).isSameAs(raised);
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"CANCELLED", "STATEMENT_TIMEOUT"})
    void error_thatACancelCauses_isToldAsTheLimit(FailureKind kind) {
        raisedByRows = new SQLException(kind.name(), "57014", 1);
        isTheLimit(told(), raisedByRows);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"CANCELLED", "STATEMENT_TIMEOUT"})
    void error_ofTheRows_isToldAsItIs(FailureKind kind) {
        raisedByRows = new SQLException(kind.name(), "23000", 1);
        assertThat(told()).isSameAs(raisedByRows);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"CANCELLED", "STATEMENT_TIMEOUT"})
    void error_ofTheExecution_isToldAsItIs(FailureKind kind) {
        raisedByStatement = new SQLException(kind.name(), "23000", 1);
        assertThat(told()).isSameAs(raisedByStatement);
    }

    @Test
    void error_thatIsTheDriversOwn_isToldAsTheLimit() {
        raisedByRows = new SQLException(FailureKind.OTHER.name());
        isTheLimit(told(), raisedByRows);
    }
}
