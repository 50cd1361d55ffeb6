package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What was committed, on a primary that may have lost some of it. */
class SeenTest {
    /** Positions that are sets of letters. */
    private static final class Letters implements Positions {
        @Override
        public Message current() {
            return Message.each(Step.query("letters", POSITION));
        }

        @Override
        public boolean travelsWithCommit() {
            return true;
        }

        @Override
        public boolean covers(String reached, String wanted) {
            return letters(reached).containsAll(letters(wanted));
        }

        @Override
        public String union(String one, String other) {
            return String.join("", letters(one + other));
        }

        private static Set<String> letters(String text) {
            return new TreeSet<>(List.of(text.split("")));
        }
    }

    private static final Set<Class<?>> FAKED =
            Set.of(Connection.class, DatabaseMetaData.class, Statement.class, ResultSet.class, ResultSetMetaData.class);

    private volatile String onPrimary = "a";

    private final Seen seen = new Seen(
            Server.of(fake(DataSource.class), Made.dialect("made", Match.EXACT), Wish.Target.PRIMARY), new Letters());

    private <T> T fake(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, arguments) -> answer(method.getName(), method.getReturnType())));
    }

    private @Nullable Object answer(String method, Class<?> type) {
        if (FAKED.contains(type)) {
            return fake(type);
        }
        if (type == boolean.class) {
            return !List.of("isClosed", "getMoreResults").contains(method);
        }
        if (type == int.class) {
            return 1;
        }
        return method.equals("getString") ? onPrimary : null;
    }

    private static Deadline soon() {
        return Deadline.after(System.nanoTime(), Limit.ACQUIRE, Duration.ofSeconds(20));
    }

    @Test
    void whatTheTransactorCommittedMustBeSeen() throws Exception {
        assertThat(seen.last(soon())).isNull();
        seen.committed("b");
        seen.committed("a");
        assertThat(seen.last(soon())).isEqualTo("ab");
        onPrimary = "abc";
        seen.committed(null);
        assertThat(seen.last(soon())).isEqualTo("abc");
    }

    /** Or each causal read would wait for it in vain, for good. */
    @Test
    void whatThePrimaryHasLostNeedNotBeSeenAnyMore() throws Exception {
        seen.committed("ab");
        onPrimary = "ac";
        seen.forgetLost(soon());
        assertThat(seen.last(soon())).isEqualTo("ac");
    }

    @Test
    void whatThePrimaryHasMustStillBeSeen_andNoMore() throws Exception {
        seen.committed("ab");
        onPrimary = "abc";
        seen.forgetLost(soon());
        assertThat(seen.last(soon())).isEqualTo("ab");
    }

    @Test
    void aPositionIsKnownIfItWasCommittedHere_orIsOnThePrimary() throws Exception {
        seen.committed("b");
        assertThat(seen.isKnown("b", soon())).isTrue();
        assertThat(seen.isKnown("a", soon())).isTrue();
        assertThat(seen.isKnown("c", soon())).isFalse();
    }
}
