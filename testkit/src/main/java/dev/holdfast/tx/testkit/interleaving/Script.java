package dev.holdfast.tx.testkit.interleaving;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which session does what, in order. Immutable; the withers answer new values. */
public final class Script {
    record Line(String session, Act act) {}

    private final List<Line> lines;

    private Script(List<Line> lines) {
        this.lines = lines;
    }

    /** With nothing in it. */
    public static Script empty() {
        return new Script(List.of());
    }

    /** With one more step at its end. */
    public Script step(String session, Act act) {
        List<Line> more = new ArrayList<>(lines);
        more.add(new Line(session, act));
        return new Script(List.copyOf(more));
    }

    /** With the commit of a session at its end. */
    public Script commit(String session) {
        return step(session, Act.commit());
    }

    /** With the commits of these sessions at its end, in this order. */
    public Script commits(String... sessions) {
        Script script = this;
        for (String session : sessions) {
            script = script.commit(session);
        }
        return script;
    }

    List<Line> lines() {
        return lines;
    }

    /** The sessions, in the order in which they appear. */
    public Set<String> sessions() {
        Set<String> names = new LinkedHashSet<>();
        lines.forEach(line -> names.add(line.session()));
        return names;
    }

    /** What one session does, by itself and under another name. */
    public Script alone(String session, String name) {
        return new Script(lines.stream()
                .filter(line -> line.session().equals(session))
                .map(line -> new Line(name, line.act()))
                .toList());
    }

    /** Plays it to the end. */
    public Play play(Conductor conductor) {
        lines.forEach(line -> conductor.step(line.session(), line.act()));
        conductor.drain();
        return conductor.play();
    }
}
