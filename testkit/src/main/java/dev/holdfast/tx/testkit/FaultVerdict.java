package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.testkit.FaultScenario.OnError;
import dev.holdfast.tx.testkit.FaultScenario.Planned;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges one run of a scenario by what the caller was told, what is in the database, and what became of connections. */
final class FaultVerdict {
    private final FaultScenario scenario;
    private final List<JdbcCall> calls;
    private final List<Lent> ledger;
    private final @Nullable Fault fault;
    private final boolean fired;
    private final @Nullable Throwable thrown;
    private final @Nullable Outcome outcome;
    private final List<String> complaints = new ArrayList<>();

    FaultVerdict(
            FaultScenario scenario,
            ScriptedDataSource source,
            @Nullable Fault fault,
            @Nullable Throwable thrown,
            @Nullable Outcome outcome) {
        this.scenario = scenario;
        this.calls = source.calls();
        this.ledger = source.ledger();
        this.fired = source.hasFired();
        this.fault = fault;
        this.thrown = thrown;
        this.outcome = outcome;
    }

    /**
     * All that is wrong.
     *
     * @param well the rows after a run without a fault
     * @param rows the rows after this one
     */
    List<String> complaints(List<Integer> well, List<Integer> rows) {
        check(fault == null || fired, "the fault did not happen");
        checkConnections();
        checkRows(well, rows);
        checkOutcome(well, rows);
        checkError();
        return complaints;
    }

    private void check(boolean holds, String complaint) {
        if (!holds) {
            complaints.add(complaint);
        }
    }

    private void checkConnections() {
        for (Lent lent : ledger) {
            check(lent.fate() != Lent.Fate.OUT, "connection " + lent.connection() + " leaked");
            complaints.addAll(lent.complaints());
        }
    }

    private void checkRows(List<Integer> well, List<Integer> rows) {
        if (thrown == null) {
            check(rows.equals(well), "it returned, and the rows are " + rows + " instead of " + well);
        } else if (thrown instanceof TxOutcomeUnknownException) {
            check(rows.isEmpty() || rows.equals(well), "a part of the rows is there: " + rows);
            check(isAtCommit(), "the outcome is unknown though COMMIT was not sent");
        } else if (scenario.onError() == OnError.NOTHING) {
            check(rows.isEmpty(), "it threw " + thrown + ", and the rows are " + rows);
        }
    }

    private void checkOutcome(List<Integer> well, List<Integer> rows) {
        if (outcome instanceof Outcome.Committed) {
            check(rows.equals(well), "listeners were told that it committed, and the rows are " + rows);
            check(thrown == null, "listeners were told that it committed, and the caller " + thrown);
        } else if (outcome instanceof Outcome.RolledBack) {
            check(rows.isEmpty(), "listeners were told that it rolled back, and the rows are " + rows);
        } else if (outcome instanceof Outcome.Unknown) {
            check(thrown instanceof TxOutcomeUnknownException, "listeners were told unknown, and the caller " + thrown);
        }
    }

    private void checkError() {
        if (thrown != null) {
            check(
                    isInCauses(thrown),
                    "neither the fault nor what the scenario threw is what the caller sees, but " + thrown);
        }
    }

    private boolean isInCauses(Throwable seen) {
        Set<Throwable> known = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = seen; cause != null && known.add(cause); cause = cause.getCause()) {
            if (cause instanceof Planned || (fault != null && cause == fault.error())) {
                return true;
            }
        }
        return false;
    }

    private boolean isAtCommit() {
        return fault != null && calls.get(fault.call() - 1).isCommit();
    }
}
