package dev.holdfast.tx.spi;

import dev.holdfast.tx.TxOptions;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a transaction must be, and what the engine needs carried along. Immutable. */
public final class Wish {
    /** What the engine needs carried along. */
    public enum Carry {
        /** The begin message reads the id of the transaction, for {@link Dialect#settlement}. */
        TX_ID,
        /** The commit message reads the position of the commit, for causal reads. */
        POSITION,
        /** The transaction writes its row of {@link MarkerTable}, for {@link Dialect#settlement}. */
        MARKER
    }

    /** Which server it goes to. */
    public enum Target {
        /** The one that takes writes. */
        PRIMARY,
        /** One that only reads. */
        REPLICA
    }

    /**
     * The slot of the label, for statements of the begin message; a transaction without a label has no value in it. What is
     * neither an ASCII letter nor a digit, a blank or one of {@code _.:/+-} is given as {@code _}, and what comes after 63
     * characters is left out.
     */
    public static final String LABEL = "label";

    private final TxOptions options;
    private final Set<Carry> carried;
    private final Target target;

    private Wish(TxOptions options, Set<Carry> carried, Target target) {
        this.options = Objects.requireNonNull(options);
        this.carried = carried;
        this.target = target;
    }

    /** These options on the primary, with nothing carried along. */
    public static Wish of(TxOptions options) {
        return new Wish(options, Set.of(), Target.PRIMARY);
    }

    /** With this carried along as well. */
    public Wish carrying(Carry carry) {
        EnumSet<Carry> more = EnumSet.of(carry);
        more.addAll(carried);
        return new Wish(options, Collections.unmodifiableSet(more), target);
    }

    /** Going to this server. */
    public Wish to(Target target) {
        return new Wish(options, carried, target);
    }

    /** The options in force. */
    public TxOptions options() {
        return options;
    }

    /** Whether this is carried along. */
    public boolean carries(Carry carry) {
        return carried.contains(carry);
    }

    /** Which server it goes to. */
    public Target target() {
        return target;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Wish that
                && options.equals(that.options)
                && carried.equals(that.carried)
                && target == that.target;
    }

    @Override
    public int hashCode() {
        return Objects.hash(options, carried, target);
    }

    @Override
    public String toString() {
        return options + (carried.isEmpty() ? "" : " carrying " + carried) + " to " + target;
    }
}
