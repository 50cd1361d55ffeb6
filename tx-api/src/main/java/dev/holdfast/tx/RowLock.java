package dev.holdfast.tx;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How the rows of a select are locked; rendered by the dialect through {@link Tx#lock}. Immutable.
 *
 * <p>A strength that a database does not have is given as a stronger one, with a note, or refused.
 */
public final class RowLock {
    /** How much a lock keeps others from. */
    public enum Strength {
        /** Others may neither change, delete nor lock the row. */
        UPDATE,
        /** As {@link #UPDATE}, but others may insert rows that refer to it. */
        NO_KEY_UPDATE,
        /** Others may share the lock, none may change the row. */
        SHARE,
        /** Others may change all but the key. */
        KEY_SHARE
    }

    /** What happens when a row is locked already. */
    public enum Waiting {
        /** Wait, as long as the lock timeout in force allows. */
        BLOCK,
        /** Fail at once. */
        NO_WAIT,
        /** Leave the row out. */
        SKIP_LOCKED,
        /** Wait for {@link RowLock#limit()} at the most. */
        AT_MOST
    }

    private final Strength strength;
    private final List<String> tables;
    private final Waiting waiting;
    private final @Nullable Duration limit;

    private RowLock(Strength strength, List<String> tables, Waiting waiting, @Nullable Duration limit) {
        this.strength = strength;
        this.tables = tables;
        this.waiting = waiting;
        this.limit = limit;
    }

    /** {@link Strength#UPDATE}. */
    public static RowLock forUpdate() {
        return new RowLock(Strength.UPDATE, List.of(), Waiting.BLOCK, null);
    }

    /** {@link Strength#NO_KEY_UPDATE}. */
    public static RowLock forNoKeyUpdate() {
        return new RowLock(Strength.NO_KEY_UPDATE, List.of(), Waiting.BLOCK, null);
    }

    /** {@link Strength#SHARE}. */
    public static RowLock forShare() {
        return new RowLock(Strength.SHARE, List.of(), Waiting.BLOCK, null);
    }

    /** {@link Strength#KEY_SHARE}. */
    public static RowLock forKeyShare() {
        return new RowLock(Strength.KEY_SHARE, List.of(), Waiting.BLOCK, null);
    }

    /**
     * Locks only the rows of these tables of a join.
     *
     * @param tables their aliases in the select, or their names where they have none; plain identifiers, each spelled as in
     *     its place of the template
     * @throws IllegalArgumentException if one is not a plain identifier
     */
    public RowLock of(String... tables) {
        for (String table : tables) {
            if (!table.matches("[\\p{L}_][\\p{L}\\p{N}_$]*")) {
                throw new IllegalArgumentException(
                        "'" + table + "' is not a plain identifier: give the alias the table has in the select");
            }
        }
        return new RowLock(strength, List.of(tables), waiting, limit);
    }

    /**
     * Fails at once where a row is locked.
     *
     * @throws IllegalArgumentException if another way of waiting was chosen already
     */
    public RowLock noWait() {
        return waiting(Waiting.NO_WAIT, null);
    }

    /**
     * Leaves out rows that are locked.
     *
     * @throws IllegalArgumentException if another way of waiting was chosen already
     */
    public RowLock skipLocked() {
        return waiting(Waiting.SKIP_LOCKED, null);
    }

    /**
     * Waits this long at the most.
     *
     * @throws IllegalArgumentException if another way of waiting was chosen already, or the limit is not positive
     */
    public RowLock waitAtMost(Duration limit) {
        return waiting(Waiting.AT_MOST, Durations.requirePositive("waitAtMost", limit));
    }

    private RowLock waiting(Waiting chosen, @Nullable Duration limit) {
        if (waiting != Waiting.BLOCK) {
            throw new IllegalArgumentException(chosen + " and " + waiting + " exclude each other");
        }
        return new RowLock(strength, tables, chosen, limit);
    }

    /** How much the lock keeps others from. */
    public Strength strength() {
        return strength;
    }

    /** The tables meant; empty for all of the select. */
    public List<String> tables() {
        return tables;
    }

    /** What happens when a row is locked already. */
    public Waiting waiting() {
        return waiting;
    }

    /** How long to wait; null unless {@link Waiting#AT_MOST}. */
    public @Nullable Duration limit() {
        return limit;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RowLock that
                && strength == that.strength
                && tables.equals(that.tables)
                && waiting == that.waiting
                && Objects.equals(limit, that.limit);
    }

    @Override
    public int hashCode() {
        return Objects.hash(strength, tables, waiting, limit);
    }

    @Override
    public String toString() {
        return strength
                + (tables.isEmpty() ? "" : " OF " + String.join(", ", tables))
                + (waiting == Waiting.BLOCK ? "" : " " + waiting)
                + (limit == null ? "" : " " + limit);
    }
}
