package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
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

/** A cancel for a limit comes when the statement is over: of the errors that come then, it has caused only some. */
class LateCancelTest {
    private static final TxOptions LIMITED = TxOptions.none().statementTimeout(Duration.ofMillis(1));

    private final CountDownLatch cancelled = new CountDownLatch(1);
    private @Nullable SQLException raised;

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
                if (raised != null) {
                    throw raised;
                }
                yield driver(ResultSet.class);
            }
            case "cancel" -> {
                cancelled.countDown();
                yield null;
            }
            case "getAutoCommit" -> true;
            case "getNetworkTimeout" -> 0;
            default -> method.getReturnType() == boolean.class ? false : null;
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, answers));
    }

    private Throwable told() {
        return Objects.requireNonNull(catchThrowableOfType(
                SQLException.class,
                () -> db.execute(
                        LIMITED, tx -> tx.connection().createStatement().executeQuery("select 1"))));
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
        raised = new SQLException(kind.name(), "57014", 1);
        isTheLimit(told(), raised);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"CANCELLED", "STATEMENT_TIMEOUT"})
    void error_thatNoCancelCauses_isToldAsItIs(FailureKind kind) {
        raised = new SQLException(kind.name(), "23000", 1);
        assertThat(told()).isSameAs(raised);
    }

    @Test
    void error_thatIsTheDriversOwn_isToldAsTheLimit() {
        raised = new SQLException(FailureKind.OTHER.name());
        isTheLimit(told(), raised);
    }

    @Test
    void answer_thatComesAfterTheLimit_isToldAsTheLimit() {
        assertThat(told().getCause()).isInstanceOfSatisfying(TxTimeoutException.class, expiry -> {
            assertThat(expiry.limit()).isEqualTo(TxTimeoutException.Limit.STATEMENT);
            assertThat(expiry.failure()).extracting(Failure::effect).isEqualTo(FailureEffect.SCOPE);
        });
    }
}
