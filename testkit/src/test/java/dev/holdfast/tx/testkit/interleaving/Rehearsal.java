package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.testkit.Timeline;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A script played in one thread, in whatever order, on a stage where nobody waits for anybody. */
public final class Rehearsal {
    /** What the sessions work on: one table, called {@code t}. Who would have to wait is refused. */
    public interface Stage {
        void begin(String session);

        /** The first column of a query. */
        List<Integer> read(String session, String query) throws SQLException;

        /** Likewise, and nobody else can change or lock those rows. */
        List<Integer> lock(String session, String query) throws SQLException;

        /** The count of rows. */
        int write(String session, String statement) throws SQLException;

        void commit(String session);

        void rollback(String session);
    }

    private final Map<String, List<Act>> acts = new TreeMap<>();
    private final Stage stage;
    private final Score score;
    private final Map<String, List<Step>> steps = new TreeMap<>();

    private Rehearsal(Script script, Stage stage, Timeline timeline) {
        this.stage = stage;
        this.score = new Score(timeline);
        for (Script.Line line : script.lines()) {
            acts.computeIfAbsent(line.session(), any -> new ArrayList<>()).add(line.act());
        }
    }

    /** Whose turn it is, step by step, as the script has it. */
    public static List<String> turns(Script script) {
        return script.lines().stream().map(Script.Line::session).toList();
    }

    /**
     * Plays it.
     *
     * @param turns the session of each step
     */
    public static Play play(Script script, List<String> turns, Stage stage, Timeline timeline) {
        return play(script, turns, "", 0, stage, timeline);
    }

    /**
     * Plays it, and one session fails.
     *
     * @param turns the session of each step
     * @param failing that session
     * @param done how many steps it does before
     */
    public static Play play(
            Script script, List<String> turns, String failing, int done, Stage stage, Timeline timeline) {
        Rehearsal rehearsal = new Rehearsal(script, stage, timeline);
        for (String session : turns) {
            rehearsal.next(session, session.equals(failing) ? done : Integer.MAX_VALUE);
        }
        return new Play(rehearsal.steps);
    }

    private void next(String session, int most) {
        List<Step> before = steps.computeIfAbsent(session, any -> new ArrayList<>());
        if (before.isEmpty()) {
            stage.begin(session);
        }
        Act act = acts.getOrDefault(session, List.of()).get(before.size());
        Step step = new Step(session, act, score);
        if (before.stream().anyMatch(Step::hasFailed)) {
            step.dropped();
        } else {
            String text = Act.filled(act.text, "t", before)
                    .replace("{table-lock}", "")
                    .replace("{row-lock}", "");
            step.started(text);
            try {
                if (before.size() >= most) {
                    throw new SQLException("as the rehearsal wants it");
                }
                take(step, text);
            } catch (SQLException e) {
                stage.rollback(session);
                step.failed(e, null);
            }
        }
        before.add(step);
    }

    private void take(Step step, String text) throws SQLException {
        switch (step.act.kind) {
            case BEGIN -> step.did("ok", List.of(), 0);
            case READ -> {
                List<Integer> values = stage.read(step.session, text);
                step.did(values.toString(), values, 0);
            }
            case LOCK -> {
                List<Integer> values = stage.lock(step.session, text);
                step.did(values.toString(), values, 0);
            }
            case WRITE -> {
                int rows = stage.write(step.session, text);
                step.did(rows + " rows", List.of(), rows);
            }
            case COMMIT -> {
                stage.commit(step.session);
                step.did("ok", List.of(), 0);
            }
            case ROLLBACK -> {
                stage.rollback(step.session);
                step.did("ok", List.of(), 0);
            }
            case OTHER -> throw new IllegalArgumentException("No stage knows what this does: " + step);
        }
    }
}
