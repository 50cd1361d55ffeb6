package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Positions;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What was committed through the transactors of one database: the position that covers all of it, or the news that there was
 * something whose position nobody has told. For use by many threads.
 */
final class Seen {
    private static final char SEPARATOR = ':';

    private final Server primary;
    private final Positions positions;

    /** The union of all positions that were told. */
    private final AtomicReference<@Nullable String> told = new AtomicReference<>();
    /** Commits, or what may have been one, that told no position. */
    private final AtomicLong untold = new AtomicLong();
    /** How many of them are covered, because the primary was asked after them. */
    private final AtomicLong covered = new AtomicLong();

    private volatile @Nullable String system;

    Seen(Server primary, Positions positions) {
        this.primary = primary;
        this.positions = positions;
    }

    /** There was a commit, or may have been one. */
    void committed(@Nullable String position) {
        if (position == null) {
            untold.incrementAndGet();
        } else {
            cover(position);
        }
    }

    private void cover(String position) {
        told.accumulateAndGet(
                position, (before, now) -> before == null || now == null ? now : positions.union(before, now));
    }

    /** What covers all commits before this call; null if there were none. The primary is asked if nobody else has told. */
    @Nullable
    String last(Deadline within) throws SQLException, InterruptedException {
        long before = untold.get();
        if (before > covered.get()) {
            cover(current(within));
            covered.accumulateAndGet(before, Math::max);
        }
        return told.get();
    }

    /** What those who read must have seen, as far as it was told; null for nothing. */
    @Nullable
    String told() {
        return told.get();
    }

    /** Whether there may be more. */
    boolean isUntold() {
        return untold.get() > covered.get();
    }

    /** What the primary says now; it may be of others' commits, for which nobody here has to wait. */
    private String current(Deadline within) throws SQLException, InterruptedException {
        return asked(positions.current(), Positions.POSITION, within);
    }

    /** Whether that is a position that the primary has come to, as far as it was not lost, if it answers. */
    boolean isKnown(String position, Deadline within) throws SQLException, InterruptedException {
        String ours = told.get();
        if (ours != null && positions.covers(ours, position)) {
            return true;
        }
        String now = current(within);
        return positions.covers(now, positions.union(now, position));
    }

    /**
     * What the primary has not seen itself was lost when that was failed over or restored, and nobody will ever see it: from then
     * on it is enough to have seen what the primary has.
     */
    void forgetLost(Deadline within) throws SQLException, InterruptedException {
        String before = told.get();
        if (before != null) {
            String now = current(within);
            if (!positions.covers(now, before)) {
                told.compareAndSet(before, now); // unless there is news
            }
        }
    }

    private String asked(Message question, String slot, Deadline within) throws SQLException, InterruptedException {
        return Objects.requireNonNull(
                Asking.ask(primary, question, slot, within).get(slot));
    }

    // ---- tokens

    /** Names all commits before this call. */
    CausalToken token(Deadline within) throws SQLException, InterruptedException {
        String position = last(within);
        String named = position == null ? current(within) : position;
        return new CausalToken(primary.dialect.name() + SEPARATOR + system(within) + SEPARATOR + named);
    }

    /** What tells this database from others; asked once. */
    String system(Deadline within) throws SQLException, InterruptedException {
        String known = system;
        if (known == null) {
            Message question = positions.system();
            known = question.isEmpty() ? "" : asked(question, Positions.SYSTEM, within);
            system = known;
        }
        return known;
    }

    /**
     * Refuses a token that is none, or another dialect's; asks nobody.
     *
     * @throws TxUnsupportedException which says why
     */
    void check(CausalToken token, @Nullable String label) {
        try {
            String position = part(token, 2);
            if (!part(token, 0).equals(primary.dialect.name())) {
                throw refused(token, "is of another kind of database", label);
            }
            positions.covers(position, position);
        } catch (IllegalArgumentException e) {
            throw refused(token, "is malformed", label);
        }
    }

    /**
     * The position that a token names.
     *
     * @throws TxUnsupportedException if it is of another database
     */
    String position(CausalToken token, @Nullable String label, Deadline within)
            throws SQLException, InterruptedException {
        if (!part(token, 1).equals(system(within))) {
            throw refused(token, "is of another database", label);
        }
        return part(token, 2);
    }

    private TxUnsupportedException refused(CausalToken token, String why, @Nullable String label) {
        return new TxUnsupportedException(
                "reads CAUSAL is asked for on " + primary.profile + " with the token '" + token + "', which " + why
                        + ": take tokens from causalToken() of a Transactor for the same database",
                label);
    }

    /** Of the three, which may not hold a colon but for the last. */
    private static String part(CausalToken token, int number) {
        String[] parts = token.value().split(String.valueOf(SEPARATOR), 3);
        if (parts.length < 3) {
            throw new IllegalArgumentException(token.value());
        }
        return parts[number];
    }

    /** What the caller is told of a position that the primary has not come to. */
    TxUnsupportedException unknown(CausalToken token, @Nullable String label) {
        return refused(token, "names a commit that the primary has not seen, so it is of another database", label);
    }
}
