package dev.holdfast.samples.guide;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.samples.firstscreen.Mail;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;

/** An application whose tests the guide shows. */
public final class Transfers {
    private final Transactor db;
    private final Mail mail;

    /** On a database, telling customers by mail. */
    public Transfers(Transactor db, Mail mail) {
        this.db = db;
        this.mail = mail;
    }

    // region transfer
    /** Moves an amount, and tells who got it once that is committed. */
    public void transfer(long amount, int from, int to) {
        db.execute(TxOptions.none().label("transfer"), tx -> {
            new Accounts(tx).move(amount, from, to);
            tx.afterCommit(() -> mail.send(to));
        });
    }
    // endregion
}
