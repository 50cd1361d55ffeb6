package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import org.jspecify.annotations.Nullable;

/**
 * What is needed to run transactions of one kind.
 *
 * @param server where they run
 * @param options in force
 * @param wish what the dialect was asked for
 * @param plan what it answered
 * @param shownLabel the label for {@link Wish#LABEL}; null if the plan has no use for it, or there is none
 * @param routed whether where they run is decided by a {@link Route} when they begin, and may be another server
 * @param instead whether they would run in the pool of readers, had nothing been committed a short time ago
 */
record Prepared(
        Server server,
        TxOptions options,
        Wish wish,
        TxPlan plan,
        @Nullable String shownLabel,
        boolean routed,
        boolean instead) {
    private static final int LONGEST_LABEL = 63;

    /** On this server for certain. */
    Prepared(Server server, TxOptions options, Wish wish, TxPlan plan) {
        this(server, options, wish, plan, shownLabel(options, plan), false, false);
    }

    private static @Nullable String shownLabel(TxOptions options, TxPlan plan) {
        String label = options.label();
        boolean shown = plan.begin().steps().stream()
                .anyMatch(step -> step instanceof Step.Sql sql && sql.uses().contains(Wish.LABEL));
        if (label == null || !shown) {
            return null;
        }
        String plain = label.replaceAll("[^A-Za-z0-9 _.:/+-]", "_");
        return plain.substring(0, Math.min(plain.length(), LONGEST_LABEL));
    }

    /** The same plan, with the options that were asked for, on a server that is decided when it begins. */
    Prepared routed(TxOptions asked) {
        return new Prepared(server, asked, wish, plan, shownLabel, true, instead);
    }

    /** The same, in place of the pool of readers. */
    Prepared insteadOfReaders() {
        return new Prepared(server, options, wish, plan, shownLabel, routed, true);
    }

    /**
     * Whether they may commit something that who reads afterwards must see. Those that only intend to read count where the server
     * could have kept them from writing, and was not told to.
     */
    boolean mayWrite() {
        return !instead
                && wish.target() == Wish.Target.PRIMARY
                && wish.options().access() != Access.READ_ONLY
                && !(routed && !(options.reads() instanceof Reads.Primary) && !server.profile.has(Feature.READ_ONLY));
    }

    /** Has the begin message show the label, if it is to. */
    void showLabel(Lease lease) {
        if (shownLabel != null) {
            lease.useSlot(Wish.LABEL, shownLabel);
        }
    }

    /** Where its marker row is kept; null if it writes none. */
    @Nullable
    Markers markers() {
        return wish.carries(Wish.Carry.MARKER) ? server.markers : null;
    }
}
