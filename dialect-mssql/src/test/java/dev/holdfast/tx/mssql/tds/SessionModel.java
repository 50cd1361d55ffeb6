package dev.holdfast.tx.mssql.tds;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a session remembers from batch to batch, as the documentation has it. Only one thread changes it; all may look. */
public final class SessionModel {
    private record Savepoint(String name, int pending) {}

    private final Ledger ledger;
    private final @Nullable Store store;
    private final List<String> pending = new ArrayList<>();
    private final List<Savepoint> savepoints = new ArrayList<>();
    private volatile String level = "READ COMMITTED";
    private volatile int lockTimeout = -1;
    private volatile int rowCount;
    private volatile boolean xactAbort;
    private volatile boolean implicit;
    private volatile int trancount;
    private volatile boolean doomed;
    private long transaction;

    SessionModel(Ledger ledger, @Nullable Store store, boolean xactAbort) {
        this.ledger = ledger;
        this.store = store;
        this.xactAbort = xactAbort;
    }

    /** {@code @@TRANCOUNT}. */
    public int trancount() {
        return trancount;
    }

    /** {@code XACT_STATE()}. */
    public int xactState() {
        return trancount == 0 ? 0 : doomed ? -1 : 1;
    }

    /** All that can be set, in one line. */
    public String settings() {
        return (rowCount == 0 ? "" : "rowcount " + rowCount + ", ") + level + ", lock timeout " + lockTimeout
                + ", xact_abort " + (xactAbort ? "on" : "off") + (implicit ? ", implicit transactions" : "");
    }

    @Nullable
    Store store() {
        return store;
    }

    String level() {
        return level;
    }

    void level(String name) {
        level = name;
    }

    /** {@code @@LOCK_TIMEOUT}. */
    public int lockTimeout() {
        return lockTimeout;
    }

    void lockTimeout(int millis) {
        lockTimeout = millis;
    }

    int rowCount() {
        return rowCount;
    }

    void rowCount(int most) {
        rowCount = most;
    }

    boolean xactAbort() {
        return xactAbort;
    }

    void xactAbort(boolean on) {
        xactAbort = on;
    }

    void implicit(boolean on) {
        implicit = on;
    }

    long transaction() {
        return transaction;
    }

    /** What a statement that reads or writes a table does in the mode of implicit transactions. */
    boolean beginsByItself() {
        return implicit && trancount == 0;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // only one thread changes it
    void begin() {
        trancount = trancount + 1;
        if (trancount == 1) {
            transaction = ledger.nextTransaction();
            if (store != null) {
                store.begin(this);
            }
        }
    }

    /** Counts down; true if that committed. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // only one thread changes it
    boolean commit() {
        trancount = trancount - 1;
        if (trancount > 0) {
            return false;
        }
        ledger.committed(pending);
        forget();
        if (store != null) {
            store.commit();
        }
        return true;
    }

    void rollBack() {
        forget();
        if (store != null) {
            store.rollBack();
        }
    }

    private void forget() {
        trancount = 0;
        doomed = false;
        pending.clear();
        savepoints.clear();
    }

    void doom() {
        doomed = true;
    }

    void save(String name) {
        savepoints.add(new Savepoint(name, pending.size()));
        if (store != null) {
            store.save(name);
        }
    }

    /** Goes back to the newest of that name; false if there is none. The savepoint stays. */
    boolean rollBackTo(String name) {
        for (int i = savepoints.size() - 1; i >= 0; i--) {
            if (savepoints.get(i).name().equals(name)) {
                pending.subList(savepoints.get(i).pending(), pending.size()).clear();
                savepoints.subList(i + 1, savepoints.size()).clear();
                if (store != null) {
                    store.rollBackTo(name);
                }
                return true;
            }
        }
        return false;
    }

    /** A change was made. */
    void wrote(String what) {
        if (trancount == 0) {
            ledger.outside(what);
        } else {
            pending.add(what);
        }
    }
}
