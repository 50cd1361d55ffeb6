package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.spi.IsolationModel;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** What {@link Checker} found in a history. Immutable. */
public final class Findings {
    /** Under this many a phenomenon that is not gross may be a rare race of the database. */
    private static final int RARE = 2;

    /** One in this many committed transactions is no longer rare. */
    private static final int RATE = 2_000;

    /**
     * One phenomenon.
     *
     * @param count how often it was seen, at the least: circles that share transactions are counted as one
     * @param witness the first of them, or the shortest circle: its transactions, and why each must come before the next
     */
    public record Finding(int count, String witness) {}

    private final Map<Phenomenon, Finding> found;
    private final int committed;
    private final int proven;
    private final int edges;
    private final long visits;

    Findings(EnumMap<Phenomenon, Finding> found, int committed, int proven, int edges, long visits) {
        this.found = Collections.unmodifiableMap(found);
        this.committed = committed;
        this.proven = proven;
        this.edges = edges;
        this.visits = visits;
    }

    /** All that was found, whether a model forbids it or not. */
    public Map<Phenomenon, Finding> found() {
        return found;
    }

    /** How many transactions count as committed, those of an unknown outcome included whose writes were seen. */
    public int committed() {
        return committed;
    }

    /** How many transactions of an unknown outcome were seen to be committed. */
    public int provenCommitted() {
        return proven;
    }

    /** How many dependencies between transactions there are. */
    public int edges() {
        return edges;
    }

    /** How often the search for circles followed an edge. */
    long visits() {
        return visits;
    }

    /** What must not be there under this model. */
    public Set<Phenomenon> violations(IsolationModel model) {
        Set<Phenomenon> forbidden = EnumSet.noneOf(Phenomenon.class);
        for (Phenomenon one : found.keySet()) {
            if (one.violates(model)) {
                forbidden.add(one);
            }
        }
        return Collections.unmodifiableSet(forbidden);
    }

    /**
     * Whether this cannot be what the model promises. What remains when {@link #violations} has something and this is false
     * is so rare that the database may have a race; a level that is not what it is said to be shows more.
     */
    public boolean refutes(IsolationModel model) {
        int limit = Math.max(RARE, committed / RATE);
        return violations(model).stream().anyMatch(one -> one.isGross() || count(one) > limit);
    }

    private int count(Phenomenon one) {
        Finding finding = found.get(one);
        return finding == null ? 0 : finding.count();
    }

    /** What violates the model, each with its witness, for a person to read; empty if nothing does. */
    public String explain(IsolationModel model) {
        StringJoiner text = new StringJoiner("\n\n");
        for (Phenomenon one : violations(model)) {
            Finding finding = found.get(one);
            if (finding != null) {
                text.add(one + ": " + one.description() + ", at least " + finding.count() + " among " + committed
                        + " committed\n" + finding.witness());
            }
        }
        return text.toString();
    }

    @Override
    public String toString() {
        StringJoiner text = new StringJoiner(", ", committed + " committed, " + edges + " dependencies, found {", "}");
        found.forEach((one, finding) -> text.add(one + " " + finding.count()));
        return text.toString();
    }
}
