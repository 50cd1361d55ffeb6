package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** A level that is claimed to be more than it is fails the random workloads, and the failure shows why. */
class StochasticClaimsTest {
    private static CaseResult run(Isolation level, IsolationModel claimed, String id) throws SQLException {
        Suite suite = Suite.of(
                new ClaimingPostgres(level, claimed),
                Conformance.cases().stream().filter(one -> one.id().equals(id)).toList());
        return suite.run(suite.cases().get(0));
    }

    @Test
    void readCommittedIsNoSnapshot() throws SQLException {
        CaseResult registers = run(Isolation.READ_COMMITTED, IsolationModel.SI, "STO-01");
        assertThat(registers.verdict()).isEqualTo(Verdict.FAIL);
        assertThat(registers.detail())
                .contains("READ_COMMITTED", "LOST_UPDATE:", "and wrote over it", "history-", ".jsonl.gz");
        CaseResult lists = run(Isolation.READ_COMMITTED, IsolationModel.SI, "STO-02");
        assertThat(lists.verdict()).isEqualTo(Verdict.FAIL);
        assertThat(lists.detail()).contains("READ_COMMITTED", "SNAPSHOT_CYCLE:", " before T");
    }

    @Test
    void aSnapshotIsNotSerializable() throws SQLException {
        for (String id : new String[] {"STO-01", "STO-02"}) {
            CaseResult result = run(Isolation.REPEATABLE_READ, IsolationModel.SER, id);
            assertThat(result.verdict()).isEqualTo(Verdict.FAIL);
            assertThat(result.detail())
                    .contains("REPEATABLE_READ", "SERIALIZATION_CYCLE:", " before T", "and T")
                    .doesNotContain("LOST_UPDATE:", "SNAPSHOT_CYCLE:");
        }
    }

    @Test
    void readCommittedBreaksTheRing() throws SQLException {
        CaseResult result = run(Isolation.READ_COMMITTED, IsolationModel.RR_LOCKING, "STO-04");
        assertThat(result.verdict()).isEqualTo(Verdict.FAIL);
        assertThat(result.detail()).contains("READ_COMMITTED", "no ring of 24 rows");
    }
}
