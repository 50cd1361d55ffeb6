package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.testkit.ScopeTree.Deed;
import dev.holdfast.tx.testkit.ScopeTree.Fate;
import dev.holdfast.tx.testkit.ScopeTree.How;
import dev.holdfast.tx.testkit.ScopeTree.Item;
import dev.holdfast.tx.testkit.ScopeTree.Point;
import dev.holdfast.tx.testkit.ScopeTree.Scope;
import dev.holdfast.tx.testkit.ScopeTree.Through;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes trees of scopes at random: the same seed and the same database give the same tree. */
final class ScopeTreeSource {
    static final int MOST_NODES = 40;
    static final int DEEPEST = 6;

    private final Random random;
    private final ScopeTreeModel.Database database;
    private int nodes;

    private ScopeTreeSource(long seed, ScopeTreeModel.Database database) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L); // neighbouring seeds would begin alike
        this.database = database;
    }

    static Scope tree(long seed, ScopeTreeModel.Database database) {
        return new ScopeTreeSource(seed, database).scope(How.REUSE, false, 1, 2 + size(seed));
    }

    /** Small trees and large ones by turns. */
    private static int size(long seed) {
        return (int) Math.floorMod(seed, 10L);
    }

    /**
     * One scope.
     *
     * @param apart whether it is in a transaction that has another one open around it
     */
    private Scope scope(How how, boolean apart, int depth, int wanted) {
        int id = ++nodes;
        Completion completion = mayBeForced(how) && oneIn(8) ? Completion.ROLLBACK : Completion.COMMIT;
        Through through = random.nextBoolean() ? Through.HANDLE : Through.AMBIENT;
        List<Item> items = new ArrayList<>();
        while (items.size() < wanted && nodes < MOST_NODES) {
            items.add(item(apart, depth));
        }
        return new Scope(id, how, completion, through, items);
    }

    /** Others are rejected for it, which is tried more rarely. */
    private boolean mayBeForced(How how) {
        return switch (how) {
            case SAVEPOINT, SEPARATE -> true;
            case REUSE, MANDATORY -> oneIn(4);
            case NESTED, ROOT_ONLY -> false;
        };
    }

    private Item item(boolean apart, int depth) {
        int dice = random.nextInt(100);
        if (dice >= 68 && depth < DEEPEST) {
            How how = anyHow();
            Scope child = scope(how, apart || how == How.SEPARATE, depth + 1, random.nextInt(7));
            return new ScopeTree.Open(child, fate());
        }
        int id = ++nodes;
        boolean mayWait = database.readersWait() && apart; // for a row that the transaction around it has locked
        if (dice < 5 && !mayWait) {
            return new ScopeTree.Duplicate(fate());
        }
        if (dice < 9) {
            return new ScopeTree.AskForRollback(outwards(depth));
        }
        if (dice < 13) {
            return new ScopeTree.LookAtRollbackOnly(outwards(depth));
        }
        if (dice < 16) {
            return new ScopeTree.Raise(id);
        }
        if (dice < 36) {
            return hook(id, mayWait);
        }
        if (dice < 44 && !mayWait) {
            return random.nextBoolean() || database.readersWait() ? new ScopeTree.Read() : new ScopeTree.ReadOutside();
        }
        return new ScopeTree.Write(id);
    }

    private Item hook(int id, boolean mayWait) {
        Point point = List.of(Point.values()).get(random.nextInt(Point.values().length));
        Deed deed = oneIn(8) ? Deed.THROW : Deed.NOTHING;
        if (point == Point.BEFORE_COMMIT && oneIn(2)) {
            deed = oneIn(4) && !mayWait ? Deed.DUPLICATE : oneIn(4) ? Deed.ASK_FOR_ROLLBACK : Deed.WRITE;
        }
        return new ScopeTree.Register(point, id, deed);
    }

    private How anyHow() {
        int dice = random.nextInt(100);
        if (dice < 32) {
            return How.REUSE;
        }
        if (dice < 72) {
            How how = random.nextBoolean() ? How.SAVEPOINT : How.NESTED;
            return database.savepoints() ? how : How.REUSE;
        }
        return dice < 88 ? How.SEPARATE : dice < 96 ? How.MANDATORY : How.ROOT_ONLY;
    }

    private Fate fate() {
        return random.nextInt(10) < 7 ? Fate.CAUGHT : Fate.PASSES;
    }

    private int outwards(int depth) {
        return oneIn(4) ? random.nextInt(depth) : 0;
    }

    private boolean oneIn(int times) {
        return random.nextInt(times) == 0;
    }
}
