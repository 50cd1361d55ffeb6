package dev.holdfast.tx.mutants;

import dev.holdfast.tx.UnmanagedTx;

/** A good handle of an unmanaged transaction, to be broken in one place by a subclass. */
class BrokenUnmanagedTx extends BrokenTx implements UnmanagedTx {
    private final UnmanagedTx goodOne;

    BrokenUnmanagedTx(UnmanagedTx good, BrokenTransactor owner) {
        super(good, owner);
        this.goodOne = good;
    }

    @Override
    public void commit() {
        goodOne.commit();
    }

    @Override
    public void rollback() {
        goodOne.rollback();
    }

    @Override
    public void close() {
        goodOne.close();
    }
}
