package dev.holdfast.tx.faults;

import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOutcomeUnknownException;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What the caller of each transfer was told, to be held against the rows. */
final class Ledger {
    private enum Told {
        COMMITTED,
        ROLLED_BACK,
        UNKNOWN
    }

    /** Of a run: all but {@code unknown} must be zero. */
    record Sum(int transfers, int lost, int doubled, int misreported, int torn, int unknown) {
        boolean isGood() {
            return lost == 0 && doubled == 0 && misreported == 0 && torn == 0;
        }

        /** Of both, on the same bank. */
        Sum and(Sum other) {
            return new Sum(
                    transfers + other.transfers,
                    lost + other.lost,
                    doubled + other.doubled,
                    misreported + other.misreported,
                    torn,
                    unknown + other.unknown);
        }

        @Override
        public String toString() {
            return "lost " + lost + ", doubled " + doubled + ", misreported " + misreported + ", unknown " + unknown
                    + (torn == 0 ? "" : ", TORN " + torn);
        }
    }

    private final Map<Integer, Told> told = new ConcurrentHashMap<>();

    /** Writes down how the call for a transfer ended. */
    void write(int transfer, @Nullable Throwable thrown) {
        Told what = thrown == null || thrown instanceof TxHookException
                ? Told.COMMITTED
                : thrown instanceof TxOutcomeUnknownException ? Told.UNKNOWN : Told.ROLLED_BACK;
        told.put(transfer, what);
    }

    /** How many were told as this. */
    String counts() {
        long committed = told.values().stream().filter(Told.COMMITTED::equals).count();
        long rolledBack =
                told.values().stream().filter(Told.ROLLED_BACK::equals).count();
        return "told committed " + committed + ", rolled back " + rolledBack;
    }

    Sum heldAgainst(Bank bank) throws SQLException {
        Map<Integer, Integer> done = bank.done();
        int lost = 0;
        int doubled = 0;
        int misreported = 0;
        int unknown = 0;
        for (Map.Entry<Integer, Told> one : told.entrySet()) {
            int times = done.getOrDefault(one.getKey(), 0);
            doubled += times > 1 ? 1 : 0;
            switch (one.getValue()) {
                case COMMITTED -> lost += times == 0 ? 1 : 0;
                case ROLLED_BACK -> misreported += times > 0 ? 1 : 0;
                case UNKNOWN -> unknown++;
            }
        }
        return new Sum(told.size(), lost, doubled, misreported, bank.torn(), unknown);
    }
}
