package dev.holdfast.tx.mutants;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Savepoints;

/** Good savepoints, to be broken in one place by a subclass. */
class BrokenSavepoints implements Savepoints {
    private final Savepoints good;

    BrokenSavepoints(Savepoints good) {
        this.good = good;
    }

    @Override
    public Message set(String name) {
        return good.set(name);
    }

    @Override
    public Message setReadOnly(String name) {
        return good.setReadOnly(name);
    }

    @Override
    public Message rollbackTo(String name) {
        return good.rollbackTo(name);
    }

    @Override
    public Message release(String name) {
        return good.release(name);
    }
}
