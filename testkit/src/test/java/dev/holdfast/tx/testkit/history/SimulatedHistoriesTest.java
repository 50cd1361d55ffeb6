package dev.holdfast.tx.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.testkit.history.Recorded.Status;
import dev.holdfast.tx.testkit.history.SimulatedDatabase.Level;
import dev.holdfast.tx.testkit.history.Workload.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Histories of databases that are right by their making: no false alarm, and nothing overlooked in what was spoilt. */
class SimulatedHistoriesTest {
    private static final int MANY = 100_000;

    @ParameterizedTest
    @EnumSource
    void snapshotsAreNotBlamedAndTheirWriteSkewIsFound(Mode mode) {
        Findings findings = Checker.check(SimulatedDatabase.run(Level.SNAPSHOT, mode, 1, MANY, 0));
        assertThat(findings.violations(IsolationModel.SI)).isEmpty();
        assertThat(findings.violations(IsolationModel.RR_INNODB)).isEmpty();
        assertThat(findings.violations(IsolationModel.SER)).containsExactly(Phenomenon.SERIALIZATION_CYCLE);
        assertThat(findings.refutes(IsolationModel.SER)).isTrue();
        assertThat(findings.committed()).isGreaterThan(MANY / 4);
    }

    @ParameterizedTest
    @EnumSource
    void serialOrdersAreNotBlamed(Mode mode) {
        Findings findings = Checker.check(SimulatedDatabase.run(Level.SERIALIZABLE, mode, 2, MANY, 0));
        assertThat(findings.found()).isEmpty();
        assertThat(findings.committed()).isGreaterThan(MANY / 5);
    }

    @ParameterizedTest
    @EnumSource
    void committedReadsAreNotBlamedAndLostUpdatesAreFound(Mode mode) {
        Findings findings = Checker.check(SimulatedDatabase.run(Level.READ_COMMITTED, mode, 3, MANY / 5, 0));
        assertThat(findings.violations(IsolationModel.RC)).isEmpty();
        assertThat(findings.violations(IsolationModel.SI)).contains(Phenomenon.SNAPSHOT_CYCLE);
        if (mode == Mode.REGISTERS) {
            assertThat(findings.violations(IsolationModel.SI)).contains(Phenomenon.LOST_UPDATE);
        }
        assertThat(findings.refutes(IsolationModel.SI)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void lostAnswersAreNotBlamed(Mode mode) {
        History history = SimulatedDatabase.run(Level.SERIALIZABLE, mode, 4, MANY / 5, 0.1);
        Findings findings = Checker.check(history);
        assertThat(findings.found()).isEmpty();
        assertThat(findings.provenCommitted()).isPositive().isLessThan(history.count(Status.UNKNOWN));
        // those that are there, said to be rolled back, are found
        History lying = told(history, one -> one.status() == Status.UNKNOWN ? Status.FAILED : one.status());
        assertThat(Checker.check(lying).found()).containsKey(Phenomenon.ABORTED_READ);
        // those that are not there, said to be committed, are found
        History boasting = told(history, one -> one.status() == Status.UNKNOWN ? Status.OK : one.status());
        assertThat(Checker.check(boasting).violations(IsolationModel.SER)).isNotEmpty();
        assertThat(Checker.check(boasting).refutes(IsolationModel.SER)).isTrue();
    }

    private static History told(History history, Function<Recorded, Status> status) {
        return new History(
                history.seed(),
                history.about(),
                history.transactions().stream()
                        .map(one -> new Recorded(
                                one.id(), one.session(), one.began(), one.ended(), status.apply(one), one.ops()))
                        .toList());
    }

    /** A rolled back transaction that is told as committed is found, in a level as weak as can be too. */
    @ParameterizedTest
    @EnumSource
    void aCommitThatWasNoneIsFound(Mode mode) {
        History history = SimulatedDatabase.run(Level.SERIALIZABLE, mode, 5, 3_000, 0);
        History boasting = told(history, one -> Status.OK);
        assertThat(Checker.check(boasting).violations(IsolationModel.SI)).isNotEmpty();
        if (mode == Mode.LISTS) {
            assertThat(Checker.check(boasting).violations(IsolationModel.RC)).contains(Phenomenon.LOST_WRITE);
        }
    }

    /** The work is counted, not timed: edges by operation, and steps of the search by edge. */
    @ParameterizedTest
    @EnumSource
    void theWorkGrowsWithTheLength(Mode mode) {
        for (int length : new int[] {MANY / 10, MANY}) {
            History history = SimulatedDatabase.run(Level.SNAPSHOT, mode, 6, length, 0);
            Findings findings = Checker.check(history);
            long operations = history.transactions().stream()
                    .mapToLong(one -> one.ops().size())
                    .sum();
            assertThat((long) findings.edges()).isBetween(operations / 4, 2 * operations);
            assertThat(findings.visits()).isBetween((long) findings.edges(), 8L * findings.edges());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aWriteThatIsMissingIsFound(Mode mode) {
        eachSpoilt(
                mode,
                one -> one.status() == Status.OK
                        && isWrite(one.ops().get(one.ops().size() - 1)),
                one -> {
                    List<Op> ops = new ArrayList<>(one.ops());
                    ops.remove(ops.size() - 1);
                    return ops;
                });
    }

    @ParameterizedTest
    @EnumSource
    void readsOfEachOthersKeysAreFound(Mode mode) {
        eachSpoilt(
                mode,
                one -> one.status() == Status.OK
                        && swapped(one).size() == one.ops().size(),
                SimulatedHistoriesTest::swapped);
    }

    /** The operations with the results of the first two reads of different keys exchanged; empty if there are none. */
    private static List<Op> swapped(Recorded one) {
        List<Op> ops = new ArrayList<>(one.ops());
        for (int i = 0; i + 1 < ops.size(); i++) {
            Op first = ops.get(i);
            Op second = ops.get(i + 1);
            if (first.isRead()
                    && second.isRead()
                    && first.key() != second.key()
                    && first.value() != Op.INITIAL
                    && second.value() != Op.INITIAL) {
                ops.set(
                        i,
                        first.kind() == Op.Kind.READ ? Op.read(first.key(), second.value()) : exchange(first, second));
                ops.set(
                        i + 1,
                        first.kind() == Op.Kind.READ ? Op.read(second.key(), first.value()) : exchange(second, first));
                return ops;
            }
        }
        return List.of();
    }

    private static Op exchange(Op of, Op by) {
        int[] elements = new int[by.size()];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = by.element(i);
        }
        return Op.readList(of.key(), elements);
    }

    private static boolean isWrite(Op op) {
        return !op.isRead();
    }

    /** Spoils one transaction of a clean history, twenty times over; each time it must be seen. */
    private static void eachSpoilt(Mode mode, Predicate<Recorded> which, Function<Recorded, List<Op>> spoil) {
        History clean = SimulatedDatabase.run(Level.SERIALIZABLE, mode, 7, 2_000, 0);
        assertThat(Checker.check(clean).found()).isEmpty();
        List<Recorded> all = clean.transactions();
        int spoilt = 0;
        for (int i = 0; i < all.size() && spoilt < 20; i++) {
            Recorded one = all.get(i);
            if (one.isFinal() || one.ops().isEmpty() || !which.test(one)) {
                continue;
            }
            spoilt++;
            List<Recorded> changed = new ArrayList<>(all);
            changed.set(
                    i, new Recorded(one.id(), one.session(), one.began(), one.ended(), one.status(), spoil.apply(one)));
            Findings findings = Checker.check(new History(7, "spoilt", changed));
            assertThat(findings.refutes(IsolationModel.SER))
                    .as("%s, spoilt: %s", one, findings)
                    .isTrue();
        }
        assertThat(spoilt).isEqualTo(20);
    }

    /** Two appends of different transactions in the wrong order, at the end. */
    @Test
    void aListInTheWrongOrderIsFound() {
        History clean = SimulatedDatabase.run(Level.SERIALIZABLE, Mode.LISTS, 8, 2_000, 0);
        List<Recorded> all = new ArrayList<>(clean.transactions());
        Recorded last = all.get(all.size() - 1);
        assertThat(last.isFinal()).isTrue();
        List<Op> ops = new ArrayList<>(last.ops());
        Op longest = ops.stream().filter(op -> op.size() > 3).findFirst().orElseThrow();
        int[] elements = new int[longest.size()];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = longest.element(elements.length - 1 - i);
        }
        ops.set(ops.indexOf(longest), Op.readList(longest.key(), elements));
        all.set(
                all.size() - 1,
                new Recorded(last.id(), last.session(), last.began(), last.ended(), last.status(), ops));
        assertThat(Checker.check(new History(8, "reversed", all)).found()).containsKey(Phenomenon.DIVERGING_READS);
    }

    @Test
    void transactionsThatRunOneByOneDoNotContend() {
        assertThat(new Written()
                        .ok(Op.write(1, 10))
                        .ok(Op.write(1, 11))
                        .history()
                        .contention())
                .isZero();
        assertThat(SimulatedDatabase.run(Level.SNAPSHOT, Mode.REGISTERS, 9, 1_000, 0)
                        .contention())
                .isGreaterThan(0.9);
    }
}
