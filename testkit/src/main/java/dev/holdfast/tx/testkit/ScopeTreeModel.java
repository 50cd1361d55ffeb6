package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.testkit.ScopeTree.Deed;
import dev.holdfast.tx.testkit.ScopeTree.Fate;
import dev.holdfast.tx.testkit.ScopeTree.How;
import dev.holdfast.tx.testkit.ScopeTree.Item;
import dev.holdfast.tx.testkit.ScopeTree.Point;
import dev.holdfast.tx.testkit.ScopeTree.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/*
 * The rules, without a database:
 *
 * A unit is a root or a savepoint scope; a scope that joins belongs to the unit around it. A unit is rolled back if its
 * body throws; if its owner asked for it, through its own handle; if a scope that had joined failed or asked for it; if an
 * error stopped it on the server; and if it was forced. The first two and the last are what the caller wanted: it gets what
 * was thrown, or the value. In the other cases it gets a TxRolledBackException with the first error as the cause.
 *
 * Hooks of a released savepoint become those of the unit around it. Of one that was rolled back, those that are about a
 * rollback become so too, and are told of that rollback, whatever becomes of the root.
 *
 * BEGIN and savepoints are sent with the first statement; where only one transaction can write at a time, that is when a
 * second one of the same call is refused.
 */
/** What a tree of scopes should do: the calls of its hooks, what each scope gives to its caller, and the rows it leaves. */
final class ScopeTreeModel {
    /**
     * What the rules depend on.
     *
     * @param savepoints whether there are any
     * @param singleWriter whether a second transaction would wait for the first
     * @param readersWait whether a reader waits for rows that another transaction has inserted
     * @param duplicate what a duplicate key is called
     * @param effect what it does to the transaction
     */
    record Database(
            boolean savepoints, boolean singleWriter, boolean readersWait, String duplicate, FailureEffect effect) {}

    /** An error: what it is, what it is about, and what was suppressed in it later. */
    static final class Bad extends Exception {
        private static final long serialVersionUID = 1L;

        private final String text;

        @SuppressWarnings("serial") // never serialized
        private final @Nullable Bad about;

        @SuppressWarnings("serial") // never serialized
        private final List<Bad> suppressed = new ArrayList<>();

        Bad(String text, @Nullable Bad about) {
            super(text, null, false, false);
            this.text = text;
            this.about = about;
        }

        String describe() {
            String whole = about == null ? text : text + " (" + about.describe() + ")";
            return suppressed.isEmpty()
                    ? whole
                    : whole + " + " + suppressed.stream().map(Bad::describe).toList();
        }
    }

    /** A rollback; a commit is null. */
    private record RolledBack(Reason reason, @Nullable Bad cause) {
        static String describe(@Nullable RolledBack outcome) {
            return outcome == null ? "committed" : outcome.error().describe();
        }

        Bad error() {
            return new Bad("rolled back " + reason, cause);
        }
    }

    private record Hook(
            ScopeTree.Register registered, @Nullable RolledBack fate) {}

    private static final class Unit {
        final @Nullable Unit outer;
        final SortedSet<Integer> rows = new TreeSet<>();
        final List<Hook> hooks = new ArrayList<>();
        boolean asked;

        @Nullable
        Bad poison;

        @Nullable
        Bad aborted;

        Unit(@Nullable Unit outer) {
            this.outer = outer;
        }
    }

    private static final class Transaction {
        Unit innermost = new Unit(null);
        boolean isOpen;

        @Nullable
        Bad gone;

        /** The first error that the unit cannot go on after. */
        @Nullable
        Bad stopped(Unit unit) {
            return gone != null ? gone : abortedIn(unit);
        }
    }

    private record Handle(Transaction transaction, Unit unit, boolean owner) {}

    private final Database database;
    private final List<String> log = new ArrayList<>();
    private final SortedSet<Integer> committed = new TreeSet<>();
    private final List<Handle> handles = new ArrayList<>();

    ScopeTreeModel(Database database) {
        this.database = database;
    }

    /** What is seen while the tree runs, and the rows that it leaves. */
    List<String> run(Scope root) {
        try {
            open(root, Fate.CAUGHT);
        } catch (Bad e) {
            throw new IllegalStateException(e);
        }
        log.add("rows " + committed);
        return log;
    }

    private static @Nullable Bad abortedIn(@Nullable Unit innermost) {
        for (Unit unit = innermost; unit != null; unit = unit.outer) {
            if (unit.aborted != null) {
                return unit.aborted;
            }
        }
        return null;
    }

    // ---- scopes

    private void open(Scope scope, Fate fate) throws Bad {
        try {
            enter(scope, handles.isEmpty() ? null : handles.get(handles.size() - 1));
            log.add("scope " + scope.id() + " returned");
        } catch (Bad e) {
            log.add("scope " + scope.id() + " threw " + e.describe());
            if (fate == Fate.PASSES) {
                throw e;
            }
        }
    }

    private void enter(Scope scope, @Nullable Handle around) throws Bad {
        if (around == null || scope.how() == How.SEPARATE) {
            Transaction fresh = new Transaction();
            endUnit(scope, fresh, body(scope, new Handle(fresh, fresh.innermost, true)));
            return;
        }
        boolean joins = scope.how() == How.REUSE || scope.how() == How.MANDATORY;
        if (scope.how() == How.ROOT_ONLY || (joins && scope.completion() == Completion.ROLLBACK)) {
            throw new Bad("rejected", null);
        }
        Transaction transaction = around.transaction();
        if (!joins) {
            transaction.innermost = new Unit(transaction.innermost);
            endUnit(scope, transaction, body(scope, new Handle(transaction, transaction.innermost, true)));
            return;
        }
        Bad thrown = body(scope, new Handle(transaction, around.unit(), false));
        if (thrown != null) {
            poison(transaction, around.unit(), thrown);
            throw thrown;
        }
    }

    private static void poison(Transaction transaction, Unit unit, Bad by) {
        if (unit.poison == null && transaction.stopped(unit) == null) {
            unit.poison = by;
        }
    }

    /** What the body throws. */
    private @Nullable Bad body(Scope scope, Handle handle) {
        handles.add(handle);
        try {
            for (Item item : scope.items()) {
                perform(item, handle);
            }
            return null;
        } catch (Bad e) {
            return e;
        } finally {
            if (!handle.owner()) {
                handles.remove(handles.size() - 1); // of an owner it is still there for its beforeCommit hooks
            }
        }
    }

    private void perform(Item item, Handle handle) throws Bad {
        if (item instanceof ScopeTree.Write write) {
            write(handle.transaction(), write.id());
        } else if (item instanceof ScopeTree.Read) {
            begin(handle.transaction());
            SortedSet<Integer> visible = new TreeSet<>(committed);
            for (Unit unit = handle.transaction().innermost; unit != null; unit = unit.outer) {
                visible.addAll(unit.rows);
            }
            log.add("read " + visible);
        } else if (item instanceof ScopeTree.ReadOutside) {
            log.add("read outside " + committed);
        } else if (item instanceof ScopeTree.Duplicate duplicate) {
            try {
                fail(handle.transaction());
            } catch (Bad e) {
                log.add("insert threw " + e.describe());
                if (duplicate.fate() == Fate.PASSES) {
                    throw e;
                }
            }
        } else if (item instanceof ScopeTree.Register hook) {
            handle.unit().hooks.add(new Hook(hook, null));
        } else if (item instanceof ScopeTree.AskForRollback ask) {
            Handle asked = outwards(ask.outwards());
            if (asked.owner()) {
                asked.unit().asked = true;
            } else {
                poison(asked.transaction(), asked.unit(), new Bad("asked for by a joined scope", null));
            }
        } else if (item instanceof ScopeTree.LookAtRollbackOnly look) {
            Handle asked = outwards(look.outwards());
            log.add("rollback-only " + isRollbackOnly(asked));
        } else if (item instanceof ScopeTree.Raise raise) {
            throw new Bad("raised " + raise.id(), null);
        } else if (item instanceof ScopeTree.Open child) {
            open(child.scope(), child.fate());
        }
    }

    private Handle outwards(int steps) {
        return handles.get(Math.max(0, handles.size() - 1 - steps));
    }

    private static boolean isRollbackOnly(Handle handle) {
        for (Unit unit = handle.unit(); unit != null; unit = unit.outer) {
            if (unit.asked || unit.poison != null || unit.aborted != null) {
                return true;
            }
        }
        return handle.transaction().gone != null;
    }

    // ---- statements

    private void begin(Transaction transaction) throws Bad {
        Bad stopped = transaction.stopped(transaction.innermost);
        if (stopped != null) {
            throw new Bad("refused after", stopped);
        }
        if (!transaction.isOpen && database.singleWriter()) {
            for (Handle around : handles) {
                if (around.transaction() != transaction && around.transaction().isOpen) {
                    throw new Bad("refused to wait for its own caller", null);
                }
            }
        }
        transaction.isOpen = true;
    }

    private void write(Transaction transaction, int id) throws Bad {
        begin(transaction);
        transaction.innermost.rows.add(id);
    }

    private void fail(Transaction transaction) throws Bad {
        begin(transaction);
        Bad duplicate = new Bad(database.duplicate(), null);
        if (database.effect() == FailureEffect.SCOPE) {
            transaction.innermost.aborted = duplicate;
        } else if (database.effect() != FailureEffect.NONE) {
            transaction.gone = duplicate;
        }
        throw duplicate;
    }

    // ---- ends

    private void endUnit(Scope scope, Transaction transaction, @Nullable Bad thrown) throws Bad {
        Unit unit = transaction.innermost;
        RolledBack rollback = verdict(scope, transaction, thrown, Reason.BODY_FAILED);
        if (unit.outer == null && (rollback == null || rollback.reason() == Reason.FORCED)) {
            Bad failed = fireBeforeCommit(transaction);
            rollback = verdict(scope, transaction, failed, Reason.HOOK_FAILED);
        }
        handles.remove(handles.size() - 1);
        Bad error = null;
        if (rollback != null) {
            error = switch (rollback.reason()) {
                case BODY_FAILED, HOOK_FAILED -> rollback.cause();
                case REQUESTED, FORCED -> null;
                default -> rollback.error();
            };
        }
        if (unit.outer != null) {
            transaction.innermost = unit.outer;
            leave(unit, unit.outer, rollback);
        } else {
            if (rollback == null) {
                committed.addAll(unit.rows);
            }
            error = fireAfter(unit, rollback, error);
        }
        if (error != null) {
            throw error;
        }
    }

    private static @Nullable RolledBack verdict(
            Scope scope, Transaction transaction, @Nullable Bad thrown, Reason thrownIn) {
        Unit unit = transaction.innermost;
        Bad stopped = transaction.stopped(unit);
        if (thrown != null) {
            return new RolledBack(thrownIn, thrown);
        }
        if (unit.asked) {
            return new RolledBack(Reason.REQUESTED, null);
        }
        if (unit.poison != null) {
            return new RolledBack(Reason.JOINED_SCOPE_FAILED, unit.poison);
        }
        if (stopped != null) {
            return new RolledBack(Reason.ENDED_BY_SERVER, stopped);
        }
        return scope.completion() == Completion.COMMIT ? null : new RolledBack(Reason.FORCED, null);
    }

    private static void leave(Unit from, Unit to, @Nullable RolledBack rollback) {
        if (rollback == null) {
            to.rows.addAll(from.rows);
        }
        for (Hook hook : from.hooks) {
            Point point = hook.registered().point();
            if (rollback == null) {
                to.hooks.add(hook);
            } else if (point == Point.AFTER_ROLLBACK || point == Point.AFTER_COMPLETION) {
                to.hooks.add(hook.fate() != null ? hook : new Hook(hook.registered(), rollback));
            }
        }
    }

    private @Nullable Bad fireBeforeCommit(Transaction transaction) {
        for (Hook hook : transaction.innermost.hooks) {
            if (hook.registered().point() == Point.BEFORE_COMMIT) {
                try {
                    log.add("hook " + hook.registered().id() + " before commit");
                    act(hook, transaction);
                } catch (Bad e) {
                    return e;
                }
            }
        }
        return null;
    }

    private @Nullable Bad fireAfter(Unit root, @Nullable RolledBack rollback, @Nullable Bad error) {
        List<Bad> failed = new ArrayList<>();
        for (Hook hook : root.hooks) {
            RolledBack own = hook.fate() != null ? hook.fate() : rollback;
            String seen = switch (hook.registered().point()) {
                case BEFORE_COMMIT -> null;
                case AFTER_COMMIT -> own == null ? "after commit" : null;
                case AFTER_ROLLBACK -> own == null ? null : "after rollback";
                case AFTER_COMPLETION -> RolledBack.describe(own);
            };
            if (seen != null) {
                log.add("hook " + hook.registered().id() + " " + seen);
                try {
                    misbehave(hook);
                } catch (Bad e) {
                    failed.add(e);
                }
            }
        }
        if (failed.isEmpty()) {
            return error;
        }
        if (error != null) {
            error.suppressed.addAll(failed);
            return error;
        }
        Bad hooks = new Bad("hooks failed, " + RolledBack.describe(rollback), failed.get(0));
        hooks.suppressed.addAll(failed.subList(1, failed.size()));
        return hooks;
    }

    /** What a hook does before the commit, with the root. */
    private void act(Hook hook, Transaction transaction) throws Bad {
        switch (hook.registered().deed()) {
            case WRITE -> write(transaction, hook.registered().id());
            case DUPLICATE -> perform(new ScopeTree.Duplicate(Fate.CAUGHT), handles.get(handles.size() - 1));
            case ASK_FOR_ROLLBACK -> transaction.innermost.asked = true;
            case NOTHING, THROW -> misbehave(hook);
        }
    }

    private static void misbehave(Hook hook) throws Bad {
        if (hook.registered().deed() == Deed.THROW) {
            throw new Bad("raised " + hook.registered().id(), null);
        }
    }
}
