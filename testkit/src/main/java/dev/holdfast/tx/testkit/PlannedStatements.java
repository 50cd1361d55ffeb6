package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What an engine sends for a transaction, held against what the dialect planned for it. */
final class PlannedStatements {
    private static final String PLANNED_NAME = "hf_4711";

    /** A step that is a call of the driver's own: it may be seen as any calls of a connection, never as a statement. */
    private static final String NATIVE = "<native>";

    /** The slots that the engine gives. */
    private static final Set<String> GIVEN = Set.of(MarkerTable.ID, MarkerTable.SETTLED);

    private static final Pattern HOLE = Pattern.compile("\\{[A-Za-z0-9_ ]+}|" + PLANNED_NAME);

    private final Dialect dialect;
    private final Profile profile;
    private final SentLog sent = new SentLog();
    private final Transactor db;
    private final String query;

    private PlannedStatements(CaseRun run) throws SQLException {
        this.dialect = run.database().dialect();
        DataSource pool = sent.of(run.pool(1));
        this.profile = LiveProfile.asked(dialect, pool).profile();
        this.query = "select id from " + run.table();
        this.db = run.transactor(EngineSetup.on(pool));
        if (profile.has(
                Feature.VERIFIABLE)) { // a table may be looked for, once, and there is a row to delete from then on
            db.execute(TxOptions.none().verifiable(), tx -> ints(tx, query));
        }
    }

    static void commits(CaseRun run) throws SQLException {
        PlannedStatements here = new PlannedStatements(run);
        int given = 0;
        for (TxOptions options : OptionSets.aloneAndInPairs(here.profile)) {
            here.sent.clear();
            TxPlan plan = here.planned(options);
            if (plan == null) {
                throwing(TxUnsupportedException.class, () -> here.db.execute(options, tx -> ints(tx, here.query)));
                equal(List.of(), here.sent.lines(), "connections taken and statements sent for " + options);
                continue;
            }
            given++;
            here.db.execute(options, tx -> ints(tx, here.query));
            here.requireSent(options, here.together(plan.begin(), plan.commit().message()));
        }
        run.note("option sets given", given);
    }

    static void aborts(CaseRun run) throws SQLException {
        PlannedStatements here = new PlannedStatements(run);
        for (TxOptions options : OptionSets.alone(here.profile)) {
            TxPlan plan = here.planned(options);
            if (plan == null) {
                continue; // refused: shown with the commits
            }
            here.sent.clear();
            IllegalStateException planned = new IllegalStateException("planned");
            Throwable told = thrownBy(() -> here.db.execute(options, tx -> {
                ints(tx, here.query);
                throw planned;
            }));
            equal(planned, told, "what the caller is told");
            here.requireSent(options, here.together(plan.begin(), plan.abort()));
        }
    }

    static void nests(CaseRun run) throws SQLException {
        PlannedStatements here = new PlannedStatements(run);
        TxOptions nested = TxOptions.none().propagation(Propagation.SAVEPOINT);
        here.sent.clear();
        here.db.execute(tx -> {
            ints(tx, here.query);
            here.db.execute(nested, inner -> ints(inner, here.query));
            thrownBy(() -> here.db.execute(nested, inner -> {
                ints(inner, here.query);
                throw new IllegalStateException("planned");
            }));
        });
        TxPlan plan = here.dialect.plan(Wish.of(TxOptions.none()), here.profile);
        Savepoints savepoints = here.dialect.savepoints(here.profile);
        Set<String> read = new HashSet<>();
        List<String> expected = new ArrayList<>(lines(plan.begin(), read));
        expected.add(here.query);
        expected.addAll(lines(savepoints.set(PLANNED_NAME), read));
        expected.add(here.query);
        expected.addAll(lines(savepoints.release(PLANNED_NAME), read));
        expected.addAll(lines(savepoints.set(PLANNED_NAME), read));
        expected.add(here.query);
        expected.addAll(lines(savepoints.rollbackTo(PLANNED_NAME), read));
        expected.addAll(lines(plan.commit().message(), read));
        here.requireSent(TxOptions.none(), expected);
    }

    private @Nullable TxPlan planned(TxOptions options) {
        return OptionSets.planned(dialect, profile, options).orElse(null);
    }

    private List<String> together(Message begin, Message end) {
        Set<String> read = new HashSet<>(GIVEN);
        List<String> all = new ArrayList<>(lines(begin, read));
        all.add(query);
        all.addAll(lines(end, read));
        return all;
    }

    /**
     * As {@link SentLog} writes them, but one for each statement of a string; without those that use what nothing has read.
     *
     * @param read the slots that were read before; those that this message reads are added
     */
    private static List<String> lines(Message message, Set<String> read) {
        List<String> lines = new ArrayList<>();
        for (Step step : message.steps()) {
            if (step instanceof Step.Sql sql) {
                if (read.containsAll(sql.uses())) {
                    lines.addAll(List.of(sql.text().split(";")));
                    read.addAll(sql.reads());
                }
            } else if (step instanceof Step.Drive drive) {
                lines.add(drive.toString());
            } else {
                lines.add(NATIVE);
            }
        }
        return lines;
    }

    private void requireSent(TxOptions options, List<String> expected) {
        List<String> seen = new ArrayList<>();
        for (String line : sent.lines()) {
            if (!line.equals(SentLog.TAKEN)) {
                seen.addAll(List.of(line.split(";")));
            }
        }
        String what = "sent for " + options + ": planned " + expected + ", but saw " + seen;
        StringBuilder pattern = new StringBuilder();
        expected.forEach(line -> pattern.append(line.equals(NATIVE) ? "(?:<[^\n]*>\n)*" : pattern(line.trim()) + "\n"));
        StringBuilder text = new StringBuilder();
        seen.forEach(line -> text.append(line.trim()).append('\n'));
        holds(() -> Pattern.matches(pattern.toString(), text), what);
        equal(1L, sent.lines().stream().filter(SentLog.TAKEN::equals).count(), "connections taken for " + options);
    }

    /** A slot stands for a value, and the engine gives savepoints other names. */
    private static String pattern(String planned) {
        StringBuilder pattern = new StringBuilder();
        Matcher hole = HOLE.matcher(planned);
        int end = 0;
        while (hole.find()) {
            pattern.append(Pattern.quote(planned.substring(end, hole.start()))).append("[\\p{L}\\p{N} _.:/+-]*");
            end = hole.end();
        }
        return pattern.append(Pattern.quote(planned.substring(end))).toString();
    }
}
