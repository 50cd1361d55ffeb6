package dev.holdfast.tx.testkit.history;

import static dev.holdfast.tx.spi.IsolationModel.RR_INNODB;
import static dev.holdfast.tx.spi.IsolationModel.RR_LOCKING;
import static dev.holdfast.tx.spi.IsolationModel.RU;
import static dev.holdfast.tx.spi.IsolationModel.SER;
import static dev.holdfast.tx.spi.IsolationModel.SI;

import dev.holdfast.tx.spi.IsolationModel;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What a history can show, and which isolation models do not allow it. After Adya's names, where there is one. */
public enum Phenomenon {
    /** A value was read that no transaction wrote, or a list holds an element twice. */
    GARBAGE_READ("a value that nobody wrote", true, EnumSet.allOf(IsolationModel.class)),
    /** A transaction did not see what it had written itself, or saw what it wrote only later. */
    INTERNAL("a transaction that does not see its own writes", true, EnumSet.allOf(IsolationModel.class)),
    /** G0: transactions overwrote each other in a circle. */
    WRITE_CYCLE("transactions that overwrote each other (G0)", true, EnumSet.allOf(IsolationModel.class)),
    /** G1a: what a failed transaction wrote was read. */
    ABORTED_READ("a read of what was rolled back (G1a)", true, EnumSet.complementOf(EnumSet.of(RU))),
    /** G1b: what its writer replaced before it ended was read. */
    INTERMEDIATE_READ("a read of what its writer replaced (G1b)", true, EnumSet.complementOf(EnumSet.of(RU))),
    /** G1c: transactions saw, or overwrote, each other in a circle. */
    INFORMATION_CYCLE("transactions that saw each other (G1c)", true, EnumSet.complementOf(EnumSet.of(RU))),
    /** Two committed transactions saw a list with different elements at the same place. */
    DIVERGING_READS("reads of one list that fit no order", false, EnumSet.complementOf(EnumSet.of(RU))),
    /** What a committed transaction wrote is not there at the end, and nobody can have overwritten it. */
    LOST_WRITE("a committed write that is gone", false, EnumSet.allOf(IsolationModel.class)),
    /** Two reads of one transaction differ, without a write of its own between them. */
    NON_REPEATABLE_READ("a read that changed", false, EnumSet.of(RR_INNODB, RR_LOCKING, SI, SER)),
    /** Two reads of one transaction differ by more than its own writes. */
    CHANGED_BY_OWN_WRITE("a read that changed by more than the own write", false, EnumSet.of(RR_LOCKING, SI, SER)),
    /** P4: two committed transactions each read the same value and wrote over it. */
    LOST_UPDATE("a lost update (P4)", false, EnumSet.of(RR_LOCKING, SI, SER)),
    /** What transactions that only read saw, taken as snapshots, fits no order of the writers. */
    READER_CYCLE("readers whose snapshots fit no order", false, EnumSet.of(RR_INNODB, RR_LOCKING, SI, SER)),
    /** G-single and G-nonadjacent: a circle in which no two anti-dependencies follow each other. */
    SNAPSHOT_CYCLE("a circle that snapshots cannot have", false, EnumSet.of(SI, SER)),
    /** G2-item: any circle. */
    SERIALIZATION_CYCLE("transactions that fit no serial order (G2-item)", false, EnumSet.of(RR_LOCKING, SER));

    private final String description;
    private final boolean gross;

    @SuppressWarnings("ImmutableEnumChecker") // unmodifiable
    private final Set<IsolationModel> forbiddenBy;

    Phenomenon(String description, boolean gross, EnumSet<IsolationModel> forbiddenBy) {
        this.description = description;
        this.gross = gross;
        this.forbiddenBy = Collections.unmodifiableSet(forbiddenBy);
    }

    /** What it is, in a few words. */
    public String description() {
        return description;
    }

    /** Whether a level under which it must not be seen is broken by one of it, and not only by many. */
    public boolean isGross() {
        return gross;
    }

    /** Whether it must not be seen under this model. */
    public boolean violates(IsolationModel model) {
        return forbiddenBy.contains(model);
    }
}
