package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.testkit.history.Recorded.Status;
import java.util.ArrayList;
import java.util.List;

/** A history written by hand: transactions one after the other, each a session of its own. */
final class Written {
    private final List<Recorded> transactions = new ArrayList<>();

    Written ok(Op... ops) {
        return add(Status.OK, ops);
    }

    Written failed(Op... ops) {
        return add(Status.FAILED, ops);
    }

    Written unknown(Op... ops) {
        return add(Status.UNKNOWN, ops);
    }

    /** What is read when all others have ended. */
    Written finallyRead(Op... ops) {
        int id = transactions.size() + 1;
        transactions.add(new Recorded(id, Recorded.OBSERVER, id * 2, id * 2 + 1, Status.OK, List.of(ops)));
        return this;
    }

    private Written add(Status status, Op... ops) {
        int id = transactions.size() + 1;
        transactions.add(new Recorded(id, id, id * 2, id * 2 + 1, status, List.of(ops)));
        return this;
    }

    History history() {
        return new History(0, "written by hand", transactions);
    }

    Findings findings() {
        return Checker.check(history());
    }
}
