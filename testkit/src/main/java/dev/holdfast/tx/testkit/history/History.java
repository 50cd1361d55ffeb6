package dev.holdfast.tx.testkit.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What a run of concurrent transactions did. Immutable. Kept in files by {@link HistoryFile}, judged by {@link Checker}.
 *
 * @param seed what the run was made from
 * @param about what ran, on what, at which level; one line
 * @param transactions in the order in which they ended
 */
public record History(long seed, String about, List<Recorded> transactions) {
    /** Sorts and copies the transactions. */
    public History {
        Objects.requireNonNull(about);
        List<Recorded> sorted = new ArrayList<>(transactions);
        sorted.sort(Comparator.comparingInt(Recorded::ended));
        transactions = List.copyOf(sorted);
    }

    /** How many of its transactions ended like this, the observer's not counted. */
    public int count(Recorded.Status status) {
        return (int) transactions.stream()
                .filter(one -> one.status() == status && !one.isFinal())
                .count();
    }

    /**
     * How much its transactions had to do with each other: the share of them that overlapped in time with one of another
     * session, one of the two having written what the other one touched. Between 0 and 1.
     */
    public double contention() {
        List<Recorded> byBegin = new ArrayList<>(transactions);
        byBegin.removeIf(Recorded::isFinal);
        byBegin.sort(Comparator.comparingInt(Recorded::began));
        boolean[] touched = new boolean[byBegin.size()];
        List<Integer> open = new ArrayList<>(); // no more than there are sessions
        for (int i = 0; i < byBegin.size(); i++) {
            Recorded one = byBegin.get(i);
            open.removeIf(other -> byBegin.get(other).ended() < one.began());
            for (int other : open) {
                if (!(touched[i] && touched[other]) && collide(one, byBegin.get(other))) {
                    touched[i] = true;
                    touched[other] = true;
                }
            }
            open.add(i);
        }
        int collided = 0;
        for (boolean one : touched) {
            collided += one ? 1 : 0;
        }
        return byBegin.isEmpty() ? 0 : (double) collided / byBegin.size();
    }

    private static boolean collide(Recorded one, Recorded other) {
        for (Op mine : one.ops()) {
            for (Op theirs : other.ops()) {
                if (mine.key() == theirs.key() && !(mine.isRead() && theirs.isRead())) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return about + ", seed " + seed + ": " + count(Recorded.Status.OK) + " committed, "
                + count(Recorded.Status.FAILED) + " failed, " + count(Recorded.Status.UNKNOWN) + " unknown";
    }
}
