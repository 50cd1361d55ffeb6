package dev.holdfast.tx.testkit.history;

import static dev.holdfast.tx.testkit.history.Op.append;
import static dev.holdfast.tx.testkit.history.Op.read;
import static dev.holdfast.tx.testkit.history.Op.readList;
import static dev.holdfast.tx.testkit.history.Op.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.spi.IsolationModel;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Histories by hand, each with what is to be found in it: all of it, and nothing else. */
class CheckerTest {
    private static final int X = 1;
    private static final int Y = 2;
    private static final int Z = 3;

    private static void finds(Written written, Phenomenon... expected) {
        Set<Phenomenon> all = EnumSet.noneOf(Phenomenon.class);
        all.addAll(Arrays.asList(expected));
        assertThat(written.findings().found().keySet()).isEqualTo(all);
    }

    /** The models that allow what is in it. */
    private static Set<IsolationModel> allow(Written written) {
        Findings findings = written.findings();
        return Arrays.stream(IsolationModel.values())
                .filter(model -> findings.violations(model).isEmpty())
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(IsolationModel.class)));
    }

    @Nested
    class Clean {
        @Test
        void anEmptyHistory() {
            finds(new Written());
            assertThat(new Written().findings().edges()).isZero();
        }

        @Test
        void registersOneAfterTheOther() {
            Written serial = new Written()
                    .ok(read(X, 0), write(X, 10))
                    .ok(read(X, 10), write(X, 11), read(X, 11), read(Y, 0), write(Y, 12))
                    .failed(read(X, 11), write(X, 13))
                    .ok(read(Y, 12), read(X, 11))
                    .finallyRead(read(X, 11), read(Y, 12));
            finds(serial);
            assertThat(serial.findings().committed()).isEqualTo(3);
            // T1 to T2 twice (read, wrote over), T2 to T4 twice, T2 to the observer twice
            assertThat(serial.findings().edges()).isEqualTo(6);
        }

        @Test
        void listsOneAfterTheOther() {
            Written serial = new Written()
                    .ok(append(X, 10))
                    .ok(readList(X, 10), append(X, 11), append(X, 12), readList(X, 10, 11, 12))
                    .failed(append(X, 13))
                    .ok(readList(Y), append(X, 14), readList(X, 10, 11, 12, 14))
                    .finallyRead(readList(X, 10, 11, 12, 14), readList(Y));
            finds(serial);
            assertThat(serial.findings().edges()).isPositive();
        }

        @Test
        void whatAFailedTransactionReadIsNobodysBusiness() {
            finds(new Written().ok(read(X, 0), write(X, 10)).failed(read(X, 0), read(X, 10), read(Y, 99)));
        }

        @Test
        void aTransactionThatReadsItsOwnWritesOfBothKinds() {
            finds(new Written()
                    .ok(read(X, 0), write(X, 10), read(X, 10), write(X, 11), read(X, 11))
                    .ok(append(Y, 10), readList(Y, 10), append(Y, 11), readList(Y, 10, 11)));
        }
    }

    @Nested
    class OfOneTransaction {
        @Test
        void aValueThatNobodyWrote() {
            finds(new Written().ok(read(X, 99)), Phenomenon.GARBAGE_READ);
            finds(new Written().ok(readList(X, 99)), Phenomenon.GARBAGE_READ);
            assertThat(allow(new Written().ok(read(X, 99)))).isEmpty();
        }

        @Test
        void anElementThatIsThereTwice() {
            finds(new Written().ok(append(X, 10)).ok(readList(X, 10, 10)), Phenomenon.GARBAGE_READ);
        }

        @Test
        void anAbortedRead() {
            Written registers = new Written().failed(read(X, 0), write(X, 10)).ok(read(X, 10));
            finds(registers, Phenomenon.ABORTED_READ);
            finds(new Written().failed(append(X, 10)).ok(readList(X, 10)), Phenomenon.ABORTED_READ);
            assertThat(allow(registers)).containsExactly(IsolationModel.RU);
        }

        @Test
        void anIntermediateRead() {
            Written registers =
                    new Written().ok(read(X, 0), write(X, 10), write(X, 11)).ok(read(X, 10));
            finds(registers, Phenomenon.INTERMEDIATE_READ);
            finds(
                    new Written()
                            .ok(append(X, 10), append(X, 11))
                            .ok(readList(X, 10))
                            .ok(readList(X, 10, 11)),
                    Phenomenon.INTERMEDIATE_READ);
            assertThat(allow(registers)).containsExactly(IsolationModel.RU);
        }

        @Test
        void anOwnWriteThatIsNotSeen() {
            finds(new Written().ok(read(X, 0), write(X, 10), read(X, 0)), Phenomenon.INTERNAL);
            finds(new Written().ok(append(X, 10), readList(X)), Phenomenon.INTERNAL);
            finds(new Written().ok(append(X, 10), append(X, 11), readList(X, 11, 10)), Phenomenon.INTERNAL);
            assertThat(allow(new Written().ok(append(X, 10), readList(X)))).isEmpty();
        }

        @Test
        void anOwnWriteThatIsSeenTooEarly() {
            finds(new Written().ok(read(X, 10), write(X, 10)), Phenomenon.INTERNAL);
            finds(new Written().ok(readList(X, 10), append(X, 10)), Phenomenon.INTERNAL);
        }

        @Test
        void aReadThatChanged() {
            Written registers = new Written().ok(read(X, 0), write(X, 10)).ok(read(X, 0), read(X, 10));
            finds(
                    registers,
                    Phenomenon.NON_REPEATABLE_READ,
                    Phenomenon.READER_CYCLE,
                    Phenomenon.SNAPSHOT_CYCLE,
                    Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers)).containsExactly(IsolationModel.RU, IsolationModel.RC);
        }

        @Test
        void aReadThatChangedByMoreThanTheOwnWrite() {
            Written lists = new Written().ok(append(X, 10)).ok(readList(X), append(X, 11), readList(X, 10, 11));
            finds(lists, Phenomenon.CHANGED_BY_OWN_WRITE, Phenomenon.SNAPSHOT_CYCLE, Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(lists)).containsExactly(IsolationModel.RU, IsolationModel.RC, IsolationModel.RR_INNODB);
        }
    }

    @Nested
    class OfSeveralTransactions {
        @Test
        void aLostUpdate() {
            Written registers = new Written().ok(read(X, 0), write(X, 10)).ok(read(X, 0), write(X, 11));
            finds(registers, Phenomenon.LOST_UPDATE, Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers))
                    .containsExactly(IsolationModel.RU, IsolationModel.RC, IsolationModel.RR_INNODB);
        }

        @Test
        void aLostUpdateOfAList() {
            finds(
                    new Written()
                            .ok(readList(X), append(X, 10))
                            .ok(readList(X), append(X, 11))
                            .ok(readList(X, 10, 11)),
                    Phenomenon.SNAPSHOT_CYCLE,
                    Phenomenon.SERIALIZATION_CYCLE);
        }

        @Test
        void transactionsThatOverwroteEachOther() {
            Written lists = new Written()
                    .ok(append(X, 10), append(Y, 20))
                    .ok(append(X, 11), append(Y, 21))
                    .finallyRead(readList(X, 10, 11), readList(Y, 21, 20));
            finds(
                    lists,
                    Phenomenon.WRITE_CYCLE,
                    Phenomenon.INFORMATION_CYCLE,
                    Phenomenon.READER_CYCLE,
                    Phenomenon.SNAPSHOT_CYCLE,
                    Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(lists)).isEmpty();
        }

        @Test
        void transactionsThatSawEachOther() {
            Written registers =
                    new Written().ok(read(X, 0), write(X, 10), read(Y, 20)).ok(read(Y, 0), write(Y, 20), read(X, 10));
            finds(
                    registers,
                    Phenomenon.INFORMATION_CYCLE,
                    Phenomenon.READER_CYCLE,
                    Phenomenon.SNAPSHOT_CYCLE,
                    Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers)).containsExactly(IsolationModel.RU);
        }

        @Test
        void halfOfATransactionSeenByAReader() {
            Written registers = new Written()
                    .ok(read(X, 0), write(X, 10), read(Y, 0), write(Y, 20))
                    .ok(read(X, 0), read(Y, 20));
            finds(registers, Phenomenon.READER_CYCLE, Phenomenon.SNAPSHOT_CYCLE, Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers)).containsExactly(IsolationModel.RU, IsolationModel.RC);
        }

        @Test
        void halfOfATransactionSeenByAWriter() {
            Written registers = new Written()
                    .ok(read(X, 0), write(X, 10), read(Y, 0), write(Y, 20))
                    .ok(read(X, 0), read(Y, 20), write(Y, 21));
            finds(registers, Phenomenon.SNAPSHOT_CYCLE, Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers))
                    .containsExactly(IsolationModel.RU, IsolationModel.RC, IsolationModel.RR_INNODB);
        }

        @Test
        void aLongFork() {
            Written registers = new Written()
                    .ok(read(X, 0), write(X, 10))
                    .ok(read(Y, 0), write(Y, 20))
                    .ok(read(X, 10), read(Y, 0))
                    .ok(read(X, 0), read(Y, 20));
            finds(registers, Phenomenon.READER_CYCLE, Phenomenon.SNAPSHOT_CYCLE, Phenomenon.SERIALIZATION_CYCLE);
        }

        @Test
        void aWriteSkew() {
            Written registers =
                    new Written().ok(read(X, 0), read(Y, 0), write(X, 10)).ok(read(X, 0), read(Y, 0), write(Y, 20));
            finds(registers, Phenomenon.SERIALIZATION_CYCLE);
            assertThat(allow(registers))
                    .containsExactly(IsolationModel.RU, IsolationModel.RC, IsolationModel.RR_INNODB, IsolationModel.SI);
        }

        @Test
        void aWriteSkewOfThree() {
            finds(
                    new Written()
                            .ok(read(X, 0), read(Y, 0), write(X, 10))
                            .ok(read(Y, 0), read(Z, 0), write(Y, 20))
                            .ok(read(Z, 0), read(X, 0), write(Z, 30)),
                    Phenomenon.SERIALIZATION_CYCLE);
        }

        /** Fekete's: the reader makes it one. Its circle has two anti-dependencies in a row, which snapshots can have. */
        @Test
        void aReadOnlyAnomaly() {
            finds(
                    new Written()
                            .ok(read(Y, 0), write(Y, 20))
                            .ok(read(X, 0), read(Y, 20))
                            .ok(read(X, 0), read(Y, 0), write(X, 10)),
                    Phenomenon.SERIALIZATION_CYCLE);
        }

        @Test
        void readsThatFitNoOrder() {
            Written lists = new Written()
                    .ok(append(X, 10))
                    .ok(append(X, 11))
                    .ok(readList(X, 10))
                    .ok(readList(X, 11));
            finds(lists, Phenomenon.DIVERGING_READS);
            assertThat(allow(lists)).containsExactly(IsolationModel.RU);
        }

        @Test
        void aWriteThatIsGoneAtTheEnd() {
            Written registers = new Written()
                    .ok(read(X, 0), write(X, 10))
                    .ok(read(X, 10), write(X, 11))
                    .finallyRead(read(X, 10));
            finds(registers, Phenomenon.LOST_WRITE);
            assertThat(allow(registers)).isEmpty();
            finds(
                    new Written().ok(append(X, 10)).ok(append(X, 11)).finallyRead(readList(X, 11)),
                    Phenomenon.LOST_WRITE);
        }
    }

    /** COMMIT was sent and its answer lost: either is right, as long as it is one of the two. */
    @Nested
    class OfUnknownOutcome {
        @Test
        void aWriteThatIsSeen() {
            Written registers = new Written()
                    .unknown(read(X, 0), write(X, 10))
                    .ok(read(X, 10), write(X, 11))
                    .finallyRead(read(X, 11));
            finds(registers);
            assertThat(registers.findings().provenCommitted()).isEqualTo(1);
            assertThat(registers.findings().committed()).isEqualTo(2);
        }

        @Test
        void aWriteThatIsNotSeen() {
            Written registers = new Written()
                    .unknown(read(X, 0), write(X, 10))
                    .ok(read(X, 0), write(X, 11))
                    .finallyRead(read(X, 11));
            finds(registers);
            assertThat(registers.findings().provenCommitted()).isZero();
            finds(new Written().unknown(append(X, 10)).ok(append(X, 11)).finallyRead(readList(X, 11)));
        }

        @Test
        void aWriteThatIsSeenByOneThatIsSeen() {
            Written registers = new Written()
                    .unknown(read(X, 0), write(X, 10))
                    .unknown(read(X, 10), write(Y, 20))
                    .ok(read(Y, 20));
            finds(registers);
            assertThat(registers.findings().provenCommitted()).isEqualTo(2);
        }

        @Test
        void halfOfItIsSeen() {
            finds(
                    new Written()
                            .unknown(read(X, 0), write(X, 10), read(Y, 0), write(Y, 20))
                            .ok(read(X, 10), read(Y, 0)),
                    Phenomenon.READER_CYCLE,
                    Phenomenon.SNAPSHOT_CYCLE,
                    Phenomenon.SERIALIZATION_CYCLE);
        }

        @Test
        void itIsSeenAndItsUpdateIsLost() {
            finds(
                    new Written()
                            .unknown(read(X, 0), write(X, 10))
                            .ok(read(X, 10))
                            .ok(read(X, 0), write(X, 11)),
                    Phenomenon.LOST_UPDATE,
                    Phenomenon.SERIALIZATION_CYCLE);
        }

        @Test
        void itWasSeenOnceAndIsGoneAtTheEnd() {
            finds(
                    new Written().unknown(append(X, 10)).ok(readList(X, 10)).finallyRead(readList(X)),
                    Phenomenon.LOST_WRITE);
        }
    }

    @Test
    void aValueWrittenTwiceIsNotAHistory() {
        Written twice = new Written().ok(write(X, 10)).ok(write(X, 10));
        assertThatThrownBy(twice::findings)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("T2");
    }

    @Test
    void theWitnessIsTheShortestCircleAndSaysWhy() {
        Written registers = new Written()
                .ok(read(X, 0), read(Y, 0), write(X, 10))
                .ok(read(Y, 0), read(Z, 0), write(Y, 20))
                .ok(read(Z, 0), read(X, 0), read(Y, 0), write(Z, 30));
        Findings findings = registers.findings();
        assertThat(findings.explain(IsolationModel.SER)).isEqualTo("""
                        SERIALIZATION_CYCLE: transactions that fit no serial order (G2-item), at least 1 among 3 committed
                          T2 (session 2, OK): [read 2=0, read 3=0, write 2=20]
                          T3 (session 3, OK): [read 3=0, read 1=0, read 2=0, write 3=30]

                          T2 before T3: T2 read 3=0, and T3 wrote over it
                          T3 before T2: T3 read 2=0, and T2 wrote over it""");
        assertThat(findings.explain(IsolationModel.SI)).isEmpty();
    }

    /** One that races might show is not held against the level; one that no race explains is, and so are many. */
    @Test
    void aRareFindingDoesNotRefuteALevel() {
        Written rare = new Written().ok(read(X, 0), write(X, 10)).ok(read(X, 0), write(X, 11));
        assertThat(rare.findings().violations(IsolationModel.SI)).isNotEmpty();
        assertThat(rare.findings().refutes(IsolationModel.SI)).isFalse();
        Written often = new Written();
        for (int key = 1; key <= 3; key++) {
            often.ok(read(key, 0), write(key, key * 10)).ok(read(key, 0), write(key, key * 10 + 1));
        }
        assertThat(often.findings().refutes(IsolationModel.SI)).isTrue();
        assertThat(often.findings().refutes(IsolationModel.RC)).isFalse();
        assertThat(new Written().ok(read(X, 99)).findings().refutes(IsolationModel.RU))
                .isTrue();
    }
}
