package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import dev.holdfast.tx.testkit.Waiver;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a waiver makes of the verdict on its case. */
class WaiversTest {
    private static final ConformanceCase PASSING = ConformanceCase.of("LIF-01", "TX-301", "it passes", run -> {});
    private static final ConformanceCase FAILING = ConformanceCase.of("LIF-01", "TX-301", "it fails", run -> {
        throw new AssertionError("as it always does");
    });

    private static CaseResult run(ConformanceCase one, Waiver waiver) throws SQLException {
        SqliteUnderTest database = new SqliteUnderTest() {
            @Override
            public List<Waiver> waivers() {
                return List.of(waiver);
            }
        };
        return Suite.of(database, List.of(one)).run(one);
    }

    private static Waiver waiver(String id, LocalDate until) {
        return new Waiver(id, "a bug of the server", "https://example.org/1", until);
    }

    @Test
    void aFailure_isWaivedWithTheReason() throws SQLException {
        CaseResult result = run(FAILING, waiver("LIF-01", LocalDate.MAX));
        assertThat(result.verdict()).isEqualTo(Verdict.WAIVED);
        assertThat(result.detail()).contains("a bug of the server", "https://example.org/1");
    }

    @Test
    void aPass_makesTheWaiverAFailure() throws SQLException {
        assertThat(run(PASSING, waiver("LIF-01", LocalDate.MAX)).verdict()).isEqualTo(Verdict.FAIL);
    }

    @Test
    void afterItsLastDay_theWaiverIsAFailure() throws SQLException {
        assertThat(run(FAILING, waiver("LIF-01", LocalDate.MIN)).verdict()).isEqualTo(Verdict.FAIL);
    }

    @Test
    void aWaiverOfAnotherCase_changesNothing() throws SQLException {
        assertThat(run(FAILING, waiver("LIF-02", LocalDate.MAX)).verdict()).isEqualTo(Verdict.FAIL);
    }

    @Test
    void aWaiverOfNoCase_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(FAILING, waiver("LIF-1", LocalDate.MAX)))
                .withMessageContaining("LIF-1");
    }
}
