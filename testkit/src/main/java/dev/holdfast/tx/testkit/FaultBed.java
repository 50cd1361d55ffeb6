package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A transactor on a scripted pool: work is done once as it should go, and then again with one of its calls failing. */
final class FaultBed {
    /** Work that makes the same calls each time. */
    @FunctionalInterface
    interface Work {
        void on(Transactor db) throws Exception;
    }

    final String table;
    final ScriptedDataSource calls;
    final Transactor db;
    private final CaseRun run;
    private final FaultListener listener = new FaultListener();

    FaultBed(CaseRun run) throws SQLException {
        this.run = run;
        this.table = run.table();
        this.calls = run.closing(new ScriptedDataSource(
                run.sessions(),
                Autocommit.ON,
                run.database().dialect().port(),
                run.database().sessionQueries()));
        this.db = run.transactor(EngineSetup.on(calls).with(listener));
    }

    static Predicate<JdbcCall> commit() {
        return JdbcCall::isCommit;
    }

    /** The first call that says this; what is of the same text but undoes to a savepoint is left out. */
    static Predicate<JdbcCall> saying(String word) {
        return call -> call.text().toLowerCase(Locale.ROOT).contains(word);
    }

    static Predicate<JdbcCall> rollback() {
        return saying("rollback")
                .and(call -> !call.text().toLowerCase(Locale.ROOT).matches(".*\\bto\\b.*"));
    }

    /** Does the work as it should go, whatever it throws, with the table empty before and after. */
    List<JdbcCall> well(Work work) throws SQLException {
        again(List.of());
        Facts.thrownBy(() -> work.on(db));
        List<JdbcCall> made = calls.calls();
        run.observe("delete from " + table);
        return made;
    }

    /**
     * Does the work with a fault at the call that is meant.
     *
     * @param which of the calls that it makes when nothing goes wrong
     * @param fault made of the call's number
     * @return what it throws; null if nothing
     * @throws Untested if it makes no such call
     * @throws Inconclusive if the fault did not happen
     */
    @Nullable
    Throwable played(Work work, Predicate<JdbcCall> which, IntFunction<Fault> fault) throws SQLException {
        List<JdbcCall> made = well(work);
        JdbcCall hit = made.stream().filter(which).findFirst().orElse(null);
        if (hit == null) {
            throw new Untested("the work makes no such call of the driver, only " + made);
        }
        return played(work, List.of(fault.apply(hit.number())));
    }

    /**
     * Does the work with these faults.
     *
     * @throws Inconclusive if none of them happened
     */
    @Nullable
    Throwable played(Work work, List<Fault> faults) throws SQLException {
        again(faults);
        Throwable thrown = Facts.thrownBy(() -> work.on(db));
        if (!faults.isEmpty() && calls.fired() == 0) {
            throw new Inconclusive("no fault happened in " + calls.calls());
        }
        return thrown;
    }

    private void again(List<Fault> faults) throws SQLException {
        run.observe("delete from " + table);
        listener.forget();
        calls.playAll(faults);
    }

    /** How the last transaction ended, as listeners were told. */
    @Nullable
    Outcome outcome() {
        return listener.outcome();
    }

    /** What became of the connections that were lent since the work began. */
    List<Lent.Fate> fates() {
        return calls.ledger().stream().map(Lent::fate).toList();
    }

    /** What is wrong with how connections were ended; empty if nothing is. */
    List<String> complaints() {
        return calls.ledger().stream()
                .flatMap(lent -> lent.complaints().stream())
                .toList();
    }

    /** The connection was thrown away, nothing is held, and the next transaction is served. */
    void thrownAwayAndServing() throws SQLException {
        Facts.equal(List.of(Lent.Fate.THROWN_AWAY), fates(), "what became of the connections");
        Facts.equal(List.of(), complaints(), "complaints of the pool");
        serving();
    }

    /** Others can write the rows, and the next transaction is served. */
    void serving() throws SQLException {
        run.observe("update " + table + " set v = 7");
        calls.play(null);
        db.execute(tx -> Sql.insert(tx, table, 900));
        Facts.equal(List.of(Lent.Fate.RETURNED), fates(), "what became of the next connection");
        Facts.equal(List.of(), complaints(), "complaints of the pool about the next one");
    }
}
