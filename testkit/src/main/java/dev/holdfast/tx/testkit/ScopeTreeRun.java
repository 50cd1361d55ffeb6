package dev.holdfast.tx.testkit;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.testkit.ScopeTree.Deed;
import dev.holdfast.tx.testkit.ScopeTree.Fate;
import dev.holdfast.tx.testkit.ScopeTree.How;
import dev.holdfast.tx.testkit.ScopeTree.Item;
import dev.holdfast.tx.testkit.ScopeTree.Scope;
import dev.holdfast.tx.testkit.ScopeTree.Through;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs a tree of scopes on an engine, and tells what it saw in the words of {@link ScopeTreeModel}. */
final class ScopeTreeRun {
    /** How many ids a tree may use. */
    static final int IDS = 100;

    private final Transactor db;
    private final String table;
    private final int duplicate;
    private final int base;
    private final List<String> log = new ArrayList<>();
    private final List<Tx> handles = new ArrayList<>();
    private final IdentityHashMap<Throwable, String> raised = new IdentityHashMap<>();

    /**
     * A run.
     *
     * @param duplicate an id that is in the table
     * @param base what the ids of the tree are counted from
     */
    ScopeTreeRun(Transactor db, String table, int duplicate, int base) {
        this.db = db;
        this.table = table;
        this.duplicate = duplicate;
        this.base = base;
    }

    /** What was seen while the tree ran; the rows that it left are asked for by the caller. */
    List<String> run(Scope root) throws Exception {
        open(null, root, Fate.CAUGHT);
        return log;
    }

    /** Where rows are asked for. */
    interface Query {
        /** The first column. */
        List<Integer> ints(String sql, int... parameters) throws SQLException;
    }

    /** The rows of the tree. */
    List<Integer> rows(Query query) throws SQLException {
        String sql = "select id from " + table + " where id > ? and id < ? order by id";
        return query.ints(sql, base, base + IDS).stream().map(id -> id - base).toList();
    }

    private void open(@Nullable Tx around, Scope scope, Fate fate) throws Exception {
        try {
            int result = enter(around, scope);
            log.add("scope " + scope.id() + (result == scope.id() ? " returned" : " returned the wrong value"));
        } catch (Throwable e) {
            log.add("scope " + scope.id() + " threw " + describe(e));
            if (fate == Fate.PASSES) {
                throw Facts.sneaky(e);
            }
        } finally {
            if (db.current() != around) {
                log.add("after scope " + scope.id() + " another transaction is current");
            }
        }
    }

    private int enter(@Nullable Tx around, Scope scope) {
        TxBody<Integer> body = tx -> inside(tx, scope);
        if (around != null && scope.how() == How.NESTED) {
            return around.nested(body);
        }
        ConnectionScope through = around == null || scope.through() == Through.AMBIENT ? db : around;
        return through.transact(scope.options(), body);
    }

    private int inside(Tx tx, Scope scope) throws Exception {
        handles.add(tx);
        try {
            for (Item item : scope.items()) {
                perform(item, tx);
            }
            return scope.id();
        } finally {
            handles.remove(handles.size() - 1);
        }
    }

    private void perform(Item item, Tx tx) throws Exception {
        if (item instanceof ScopeTree.Write write) {
            Sql.insert(tx, table, base + write.id());
        } else if (item instanceof ScopeTree.Read) {
            log.add("read " + rows((sql, ids) -> Sql.ints(tx, sql, ids)));
        } else if (item instanceof ScopeTree.ReadOutside) {
            log.add("read outside " + db.outside(() -> rows((sql, ids) -> Sql.ints(db, sql, ids))));
        } else if (item instanceof ScopeTree.Duplicate insert) {
            duplicate(tx, insert.fate());
        } else if (item instanceof ScopeTree.Register hook) {
            register(hook, tx);
        } else if (item instanceof ScopeTree.AskForRollback ask) {
            outwards(ask.outwards()).setRollbackOnly("asked for by the test");
        } else if (item instanceof ScopeTree.LookAtRollbackOnly look) {
            Tx asked = outwards(look.outwards());
            log.add("rollback-only " + asked.isRollbackOnly());
        } else if (item instanceof ScopeTree.Raise raise) {
            raise(raise.id());
        } else if (item instanceof ScopeTree.Open child) {
            open(tx, child.scope(), child.fate());
        }
    }

    private void duplicate(ConnectionScope scope, Fate fate) throws SQLException {
        try {
            Sql.insert(scope, table, duplicate);
        } catch (SQLException e) {
            log.add("insert threw " + describe(e));
            if (fate == Fate.PASSES) {
                throw e;
            }
        }
    }

    private Tx outwards(int steps) {
        return handles.get(Math.max(0, handles.size() - 1 - steps));
    }

    private void register(ScopeTree.Register hook, Tx tx) {
        switch (hook.point()) {
            case BEFORE_COMMIT ->
                tx.beforeCommit(() -> {
                    log.add("hook " + hook.id() + " before commit");
                    act(hook);
                });
            case AFTER_COMMIT -> tx.afterCommit(() -> fired(hook, "after commit"));
            case AFTER_ROLLBACK -> tx.afterRollback(() -> fired(hook, "after rollback"));
            case AFTER_COMPLETION -> tx.afterCompletion(outcome -> fired(hook, describe(outcome)));
        }
    }

    /** What a hook does before the commit, with the root. */
    private void act(ScopeTree.Register hook) throws Exception {
        switch (hook.deed()) {
            case WRITE -> Sql.insert(db, table, base + hook.id());
            case DUPLICATE -> duplicate(db, Fate.CAUGHT);
            case ASK_FOR_ROLLBACK -> {
                Tx current = db.current();
                if (current != null) {
                    current.setRollbackOnly("asked for by a hook of the test");
                }
            }
            case NOTHING, THROW -> misbehave(hook);
        }
    }

    private void fired(ScopeTree.Register hook, String told) {
        log.add("hook " + hook.id() + " " + told);
        if (db.current() != null) {
            log.add("hook " + hook.id() + " ran inside a transaction");
        }
        misbehave(hook);
    }

    private void misbehave(ScopeTree.Register hook) {
        if (hook.deed() == Deed.THROW) {
            raise(hook.id());
        }
    }

    /** No kind of throwable is exempt. */
    private void raise(int id) {
        Throwable thrown = switch (id % 3) {
            case 0 -> new Exception("raised " + id);
            case 1 -> new IllegalArgumentException("raised " + id);
            default -> new Error("raised " + id);
        };
        raised.put(thrown, "raised " + id);
        throw Facts.sneaky(thrown);
    }

    // ---- the words of the model

    private String describe(Throwable thrown) {
        String text = withoutSuppressed(thrown);
        Throwable[] suppressed = thrown.getSuppressed();
        return suppressed.length == 0
                ? text
                : text + " + " + Arrays.stream(suppressed).map(this::describe).toList();
    }

    private String withoutSuppressed(Throwable thrown) {
        String known = raised.get(thrown);
        if (known != null) {
            return known;
        }
        if (thrown instanceof TxRolledBackException rolledBack) {
            return describe(rolledBack.outcome());
        }
        if (thrown instanceof TxHookException hooks && hooks.getCause() != null) {
            return "hooks failed, " + describe(hooks.outcome()) + " (" + describe(hooks.getCause()) + ")";
        }
        if (thrown instanceof TxRejectedException) {
            return "rejected";
        }
        if (thrown instanceof TxStateException
                && String.valueOf(thrown.getMessage()).contains("setRollbackOnly")) {
            return "asked for by a joined scope";
        }
        if (thrown instanceof SQLException && thrown.getCause() instanceof TxRejectedException) {
            return "refused to wait for its own caller";
        }
        if (thrown instanceof SQLException
                && thrown.getCause() instanceof TxStateException state
                && state.getCause() != null) {
            return "refused after (" + describe(state.getCause()) + ")";
        }
        Failure failure = thrown instanceof SQLException ? db.classify(thrown) : null;
        return failure == null ? thrown.toString() : failure.kind().toString();
    }

    private String describe(Outcome outcome) {
        if (outcome instanceof Outcome.RolledBack rolledBack) {
            Throwable cause = rolledBack.cause();
            return "rolled back " + rolledBack.reason() + (cause == null ? "" : " (" + describe(cause) + ")");
        }
        return outcome instanceof Outcome.Committed ? "committed" : outcome.toString();
    }
}
