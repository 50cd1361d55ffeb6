package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.ModelStage.Way.ATOMIC;
import static dev.holdfast.tx.testkit.ModelStage.Way.FIRST_WRITER_WINS;
import static dev.holdfast.tx.testkit.ModelStage.Way.READS_DIRTY;
import static dev.holdfast.tx.testkit.ModelStage.Way.READS_SNAPSHOT;
import static dev.holdfast.tx.testkit.ModelStage.Way.READ_LOCKS;
import static dev.holdfast.tx.testkit.ModelStage.Way.WRITES_SNAPSHOT;
import static dev.holdfast.tx.testkit.ModelStage.Way.WRITE_LOCKS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.testkit.ModelStage.Way;
import dev.holdfast.tx.testkit.interleaving.Play;
import dev.holdfast.tx.testkit.interleaving.Rehearsal;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The scripts against what they forbid, with no server and no threads: what is never accused, and what is. */
class InterleavingsTest {
    /** How each model can be had; SER is one at a time. */
    private static final Map<IsolationModel, Set<Way>> MODELS = Map.of(
            IsolationModel.RU, Set.of(ATOMIC, READS_DIRTY, WRITE_LOCKS),
            IsolationModel.RC, Set.of(ATOMIC, WRITE_LOCKS),
            IsolationModel.RR_INNODB, Set.of(ATOMIC, READS_SNAPSHOT, WRITE_LOCKS),
            IsolationModel.RR_LOCKING, Set.of(ATOMIC, READ_LOCKS, WRITE_LOCKS),
            IsolationModel.SI, Set.of(ATOMIC, READS_SNAPSHOT, WRITES_SNAPSHOT, WRITE_LOCKS, FIRST_WRITER_WINS));

    private Statements statements;

    @BeforeEach
    void open() throws SQLException {
        statements = new Statements();
    }

    @AfterEach
    void close() throws SQLException {
        statements.close();
    }

    private static Stream<Interleaving> all() {
        return IsolationCases.interleavings().stream().filter(Interleaving::forbidsAnything);
    }

    /** Whatever order it is, and whoever fails at whichever step. */
    @ParameterizedTest
    @MethodSource("all")
    void no_serial_order_is_accused(Interleaving one) {
        List<String> turns = Rehearsal.turns(one.script());
        for (List<String> order : orders(List.copyOf(one.script().sessions()))) {
            List<String> serial = new ArrayList<>();
            for (String session : order) {
                serial.addAll(Collections.nCopies(Collections.frequency(turns, session), session));
            }
            for (String failing : order) {
                for (int done = 0; done <= Collections.frequency(turns, failing); done++) {
                    ModelStage stage = new ModelStage(statements, Set.of(ATOMIC), one.rows());
                    Timeline timeline = new Timeline();
                    Play play = Rehearsal.play(one.script(), serial, failing, done, stage, timeline);
                    requireUnaccused(one, play, stage, timeline);
                    assertThat(play.failures()).hasSize(done < Collections.frequency(turns, failing) ? 1 : 0);
                }
            }
        }
    }

    private static List<List<String>> orders(List<String> sessions) {
        List<List<String>> orders = new ArrayList<>();
        shuffle(sessions, orders::add);
        return orders;
    }

    private static void requireUnaccused(Interleaving one, Play play, ModelStage stage, Timeline timeline) {
        assertThat(one.accuses(play, stage.rows()))
                .as(() -> one + " accuses this, which leaves the rows " + stage.rows() + ":\n" + timeline)
                .isFalse();
    }

    /** Whatever the timing: in every order of the steps. */
    @ParameterizedTest
    @MethodSource("all")
    void a_model_that_prevents_it_is_not_accused(Interleaving one) {
        MODELS.forEach((model, ways) -> {
            if (one.isPreventedBy(model)) {
                int[] committed = new int[1];
                shuffle(Rehearsal.turns(one.script()), turns -> {
                    ModelStage stage = new ModelStage(statements, ways, one.rows());
                    Timeline timeline = new Timeline();
                    Play play = Rehearsal.play(one.script(), turns, stage, timeline);
                    requireUnaccused(one, play, stage, timeline);
                    committed[0] += play.failures().isEmpty() ? 1 : 0;
                });
                assertThat(committed[0]).as("plays where nobody was refused").isGreaterThan(1);
            }
        });
    }

    /** In all different orders. */
    private static void shuffle(List<String> turns, Consumer<List<String>> each) {
        Map<String, Integer> left = new TreeMap<>();
        turns.forEach(session -> left.merge(session, 1, Integer::sum));
        shuffle(left, new ArrayList<>(), turns.size(), each);
    }

    private static void shuffle(
            Map<String, Integer> left, List<String> begun, int length, Consumer<List<String>> each) {
        if (begun.size() == length) {
            each.accept(List.copyOf(begun));
            return;
        }
        for (Map.Entry<String, Integer> session : left.entrySet()) {
            if (session.getValue() > 0) {
                session.setValue(session.getValue() - 1);
                begun.add(session.getKey());
                shuffle(left, begun, length, each);
                begun.remove(begun.size() - 1);
                session.setValue(session.getValue() + 1);
            }
        }
    }

    /** The order of a script is one that the script itself takes for shown. */
    @ParameterizedTest
    @MethodSource("all")
    void what_a_script_asks_for_its_own_order_has(Interleaving one) {
        ModelStage stage = new ModelStage(statements, Set.of(), one.rows());
        Play play = Rehearsal.play(one.script(), Rehearsal.turns(one.script()), stage, new Timeline());
        assertThat(play.notReached()).isNull();
        assertThat(play.failures()).isEmpty();
    }

    /** Played as written, each is accused somewhere, or it could never fail; and nowhere but where it happens. */
    @Test
    void where_isolation_is_missing_the_anomaly_is_accused() {
        Map<String, Set<Way>> ways = new LinkedHashMap<>();
        ways.put("none", Set.of());
        ways.put("copies", Set.of(ATOMIC, READS_SNAPSHOT, WRITES_SNAPSHOT));
        new TreeMap<>(MODELS).forEach((model, its) -> ways.put(model.name(), its));
        List<String> found = new ArrayList<>();
        all().forEach(one -> {
            List<String> accused = new ArrayList<>();
            ways.forEach((name, its) -> {
                ModelStage stage = new ModelStage(statements, its, one.rows());
                Play play = Rehearsal.play(one.script(), Rehearsal.turns(one.script()), stage, new Timeline());
                if (one.accuses(play, stage.rows())) {
                    accused.add(name);
                }
            });
            found.add(one.id() + ": " + String.join(", ", accused));
        });
        assertThat(found)
                .containsExactly(
                        "ISO-01: none",
                        "ISO-02: none, RU",
                        "ISO-03: none, RU",
                        "ISO-04: none, RU",
                        "ISO-05: none",
                        "ISO-06: none, RU, RC, RR_LOCKING",
                        "ISO-07: none",
                        "ISO-08: none, copies",
                        "ISO-09: copies",
                        "ISO-10: none, copies",
                        "ISO-11: copies",
                        "ISO-12: none, RU, RC",
                        "ISO-13a: none, RU, RC",
                        "ISO-13b: none, RU, RC, RR_LOCKING",
                        "ISO-14: none, RU, RC, RR_INNODB",
                        "ISO-15: RR_INNODB",
                        "ISO-16: none, RU, RC, RR_INNODB",
                        "ISO-17: none, RU, RC",
                        "ISO-18: none, RU, RC, RR_LOCKING",
                        "ISO-19: none, copies, RU, RC, RR_INNODB, SI",
                        "ISO-20: none, copies, RU, RC, RR_INNODB, RR_LOCKING, SI",
                        "ISO-21: none, copies, RU, RC, RR_INNODB, SI",
                        "ISO-22: none, copies, RU, RC, RR_INNODB, SI",
                        "ISO-23: none, RU, RC");
    }
}
