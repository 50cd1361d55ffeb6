package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.FaultScenario.Stage;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Plays each scenario once as it should go, and then once for each of its calls of the driver and each way in which that
 * call can fail. After each run the database, the ledger of connections and the next transaction are looked at.
 */
public final class FaultTable {
    private static final int MOST_TOLD = 40;
    private static final int NEXT = 900;

    private final CaseRun run;
    private final List<String> failures = new ArrayList<>();
    private int scenarios;
    private int calls;
    private int runs;

    private FaultTable(CaseRun run) {
        this.run = run;
    }

    /**
     * Plays those scenarios that the database is able to.
     *
     * @return how much that was, in one line
     * @throws AssertionError if anything about any run is wrong, naming the first of them
     * @throws SQLException if the database cannot be observed
     */
    public static String play(CaseRun run, List<FaultScenario> scenarios) throws SQLException {
        FaultTable table = new FaultTable(run);
        table.play(scenarios);
        return table.toString();
    }

    private void play(List<FaultScenario> all) throws SQLException {
        Set<Feature> features = run.profile().features();
        for (FaultScenario scenario : all) {
            if (features.containsAll(scenario.needs())) {
                play(scenario);
            }
        }
        if (!failures.isEmpty()) {
            throw new AssertionError(this + ", of which " + failures.size() + " went wrong:\n"
                    + String.join("\n", failures.subList(0, Math.min(failures.size(), MOST_TOLD))));
        }
    }

    private void play(FaultScenario scenario) throws SQLException {
        FaultListener listener = new FaultListener();
        ScriptedDataSource source = run.closing(new ScriptedDataSource(
                run.database().sessions(),
                scenario.autocommit(),
                run.database().dialect().port(),
                run.database().sessionQueries()));
        Transactor db = run.transactor(EngineSetup.on(source).with(listener));
        Stage stage = new Stage(run.database(), source, db, run.table());
        FaultVerdict healthy = play(scenario, stage, listener, null);
        List<JdbcCall> recorded = source.calls();
        List<Integer> rows = run.ids(stage.table());
        record(scenario, "as it should go", healthy.complaints(rows, rows));
        scenarios++;
        calls += recorded.size();
        for (JdbcCall call : recorded) {
            for (Fault fault : faults(call)) {
                FaultVerdict verdict = play(scenario, stage, listener, fault);
                runs++;
                List<String> complaints = verdict.complaints(rows, run.ids(stage.table()));
                complaints.addAll(aftermath(stage));
                record(scenario, fault + " at " + call, complaints);
            }
        }
    }

    private static List<Fault> faults(JdbcCall call) {
        int number = call.number();
        List<Fault> faults = new ArrayList<>(List.of(
                Fault.throwing(number, "HY000"),
                Fault.throwing(number, "23505"),
                Fault.throwing(number, new IllegalStateException("scripted at call " + number)),
                Fault.throwing(number, new StackOverflowError("scripted at call " + number)),
                Fault.dying(number)));
        if (!call.text().equals("close") && !call.text().equals("getConnection")) {
            faults.add(Fault.losingAnswer(number));
        }
        return faults;
    }

    private FaultVerdict play(FaultScenario scenario, Stage stage, FaultListener listener, @Nullable Fault fault)
            throws SQLException {
        ScriptedDataSource source = (ScriptedDataSource) stage.source();
        run.observe("delete from " + stage.table());
        listener.forget();
        source.play(fault);
        Throwable thrown = Facts.thrownBy(() -> scenario.body().work(stage));
        return new FaultVerdict(scenario, source, fault, thrown, listener.outcome());
    }

    /** What is wrong afterwards: locks that are still held, or a transactor that is of no use any more. */
    private List<String> aftermath(Stage stage) {
        List<String> wrong = new ArrayList<>();
        ScriptedDataSource source = (ScriptedDataSource) stage.source();
        source.play(null);
        Throwable locked = Facts.thrownBy(() -> run.observe("delete from " + stage.table()));
        if (locked != null) {
            wrong.add("others are kept from writing: " + locked);
        }
        Throwable unusable = Facts.thrownBy(() -> stage.db().execute(tx -> Sql.insert(tx, stage.table(), NEXT)));
        if (unusable != null) {
            wrong.add("the next transaction fails: " + unusable);
        }
        return wrong;
    }

    private void record(FaultScenario scenario, String what, List<String> complaints) {
        if (!complaints.isEmpty()) {
            failures.add(scenario + ", " + what + ": " + String.join("; ", complaints));
        }
    }

    @Override
    public String toString() {
        return "fault table: " + run.database().name() + ": " + scenarios + " scenarios, " + calls + " calls, " + runs
                + " runs";
    }
}
