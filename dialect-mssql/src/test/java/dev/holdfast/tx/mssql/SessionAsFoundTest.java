package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.COMMIT;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** However a transaction ends, its session has the settings that it came with, whatever they were. */
class SessionAsFoundTest {
    private interface End {
        void of(Bed bed, TxOptions options) throws Exception;
    }

    private static Map<String, TxOptions> options() {
        Map<String, TxOptions> all = new LinkedHashMap<>();
        for (Isolation level : Isolation.values()) {
            all.put(level.name(), TxOptions.of(level));
        }
        all.put("lock timeout", TxOptions.none().lockTimeout(Duration.ofSeconds(3)));
        all.put("xact abort", TxOptions.none().with(MssqlOptions.XACT_ABORT, true));
        all.put("no xact abort", TxOptions.none().with(MssqlOptions.XACT_ABORT, false));
        all.put(
                "all",
                TxOptions.of(Isolation.SNAPSHOT)
                        .lockTimeout(Duration.ofMillis(1))
                        .with(MssqlOptions.XACT_ABORT, true));
        return all;
    }

    /** What a session may come with: all that there is, and what nobody would have. */
    private static final List<String> FOUND = List.of(
            "SET LOCK_TIMEOUT -1",
            "SET TRANSACTION ISOLATION LEVEL SNAPSHOT;SET LOCK_TIMEOUT 0;SET XACT_ABORT ON",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;SET LOCK_TIMEOUT 2147483647",
            "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;SET XACT_ABORT ON");

    private static Map<String, End> ends() {
        Map<String, End> ends = new LinkedHashMap<>();
        ends.put("commit", (bed, options) -> bed.db.execute(options, Bed::write));
        ends.put("forced rollback", (bed, options) -> bed.db.execute(options.forceRollback(), Bed::write));
        ends.put(
                "rollback",
                (bed, options) -> thrownBy(() -> bed.db.execute(options, tx -> {
                    Bed.write(tx);
                    throw new IllegalStateException("planned");
                })));
        ends.put("ended by the server", (bed, options) -> {
            bed.responder.next(WRITE, Answer.error(1205).did(Did.ROLLED_BACK));
            thrownBy(() -> bed.db.execute(options, Bed::write));
        });
        ends.put("doomed", (bed, options) -> {
            bed.responder.next(WRITE, Answer.error(50_000).did(Did.DOOMED));
            thrownBy(() -> bed.db.execute(options, Bed::write));
        });
        ends.put("commit refused", (bed, options) -> {
            bed.responder.next(COMMIT, Answer.error(41305).did(Did.ROLLED_BACK));
            thrownBy(() -> bed.db.execute(options, Bed::write));
        });
        ends.put("begin failed", (bed, options) -> {
            bed.responder.next("BEGIN TRAN", Answer.error(701));
            thrownBy(() -> bed.db.execute(options, Bed::write));
        });
        return ends;
    }

    static List<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        ends().keySet().forEach(end -> {
            cases.add(Arguments.of(end, Autocommit.ON));
            cases.add(Arguments.of(end, Autocommit.OFF));
        });
        return cases;
    }

    @ParameterizedTest(name = "{0}, autocommit {1}")
    @MethodSource("cases")
    void settings_are_as_found(String end, Autocommit autocommit) throws Exception {
        try (Bed bed = Bed.of(new Responder().probed("snapshot", 1), autocommit)) {
            int checked = 0;
            for (String found : FOUND) {
                try (Connection connection = bed.pool.getConnection();
                        Statement statement = connection.createStatement()) {
                    statement.execute(found);
                }
                String before = bed.session().settings();
                for (TxOptions options : options().values()) {
                    Objects.requireNonNull(ends().get(end)).of(bed, options);
                    assertThat(bed.session().settings())
                            .as("%s after %s", found, options)
                            .isEqualTo(before);
                    assertThat(bed.session().trancount()).isZero();
                    checked++;
                }
            }
            assertThat(checked).isEqualTo(FOUND.size() * options().size());
            assertThat(bed.isEvicted()).isFalse();
            assertThat(bed.responder.sessions()).hasSize(1);
        }
    }
}
