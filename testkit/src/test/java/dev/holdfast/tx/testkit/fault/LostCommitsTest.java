package dev.holdfast.tx.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On sessions that only write down what they were asked. */
class LostCommitsTest {
    private final List<String> calls = new ArrayList<>();

    private Object stub(Class<?> type) {
        return Proxy.newProxyInstance(
                LostCommitsTest.class.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
                    calls.add(method.getName() + (given == null ? "" : " " + given[0]));
                    return answer(method);
                });
    }

    private @Nullable Object answer(Method method) {
        Class<?> type = method.getReturnType();
        if (type == Connection.class || type == Statement.class) {
            return stub(type);
        }
        return type == boolean.class ? (Object) false : null;
    }

    private LostCommits losing(int oneIn) {
        return new LostCommits((DataSource) stub(DataSource.class), 1, oneIn);
    }

    @Test
    void everyOneIsLostInOneOfTwoWays() throws SQLException {
        LostCommits all = losing(1);
        for (int i = 0; i < 40; i++) {
            try (Connection connection = all.sessions().getConnection()) {
                calls.clear();
                int answers = all.answers();
                assertThatThrownBy(connection::commit)
                        .isInstanceOf(SQLException.class)
                        .extracting(e -> ((SQLException) e).getSQLState())
                        .isEqualTo("08006");
                boolean done = all.answers() > answers;
                assertThat(calls.contains("commit")).isEqualTo(done);
                assertThat(calls)
                        .anyMatch(call -> call.startsWith("abort"))
                        .last()
                        .isEqualTo("close");
                assertThat(connection.isClosed()).isTrue();
                assertThat(connection.isValid(1)).isFalse();
                assertThatThrownBy(connection::createStatement).hasMessageContaining("gone");
            }
        }
        assertThat(all.requests()).isGreaterThan(5);
        assertThat(all.answers()).isGreaterThan(5);
        assertThat(all.requests() + all.answers()).isEqualTo(40);
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMIT", "commit", "release savepoint s; COMMIT"})
    void aCommitInWordsIsOneToo(String sql) throws SQLException {
        LostCommits all = losing(1);
        try (Connection connection = all.sessions().getConnection();
                Statement statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql)).hasMessageContaining("gone with its commit");
        }
        assertThat(all.requests() + all.answers()).isEqualTo(1);
    }

    @Test
    void nothingElseIsLost() throws SQLException {
        LostCommits all = losing(1);
        try (Connection connection = all.sessions().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("select 1");
            connection.rollback();
            assertThat(statement.getConnection()).isSameAs(connection);
        }
        assertThat(all.requests() + all.answers()).isZero();
        assertThat(calls).contains("execute select 1", "rollback", "close");
    }

    @Test
    void mostAreNotLostWhenOneInManyIs() throws SQLException {
        LostCommits few = losing(10);
        int lost = 0;
        for (int i = 0; i < 1_000; i++) {
            try (Connection connection = few.sessions().getConnection()) {
                connection.commit();
            } catch (SQLException e) {
                lost++;
            }
        }
        assertThat(lost).isEqualTo(few.requests() + few.answers()).isBetween(50, 200);
    }
}
