package dev.holdfast.samples.bank;

import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.postgres.PostgresOptions;
import java.util.LinkedHashMap;
import java.util.Map;

/** What else can be asked of a transaction, once each; every method tells in words what came of it. */
final class Extras {
    private final Transactor db;
    private final Bank bank = new Bank(Bank.Manner.LOCKING);

    Extras(Transactor db) {
        this.db = db;
    }

    Map<String, String> all() {
        Map<String, String> told = new LinkedHashMap<>();
        told.put("a dry run", dryRun());
        told.put("a separate audit", audit());
        told.put("an option refused", refusal());
        return told;
    }

    /** The work is done, its result returned, and everything rolled back. */
    private String dryRun() {
        long interest = db.transact(TxOptions.none().label("dry run").forceRollback(), bank::payInterest);
        return "One per cent of interest would cost " + Money.text(interest) + "; nobody was paid.";
    }

    /** The inner transaction commits though the outer one is rolled back; a database with one writer cannot do that. */
    private String audit() {
        TxOptions apart = TxOptions.none().label("audit").propagation(Propagation.SEPARATE);
        try {
            db.execute(tx -> {
                bank.payInterest(tx);
                db.execute(
                        apart,
                        audit -> Sql.update(audit.open().connection(), "insert into audit (what) values ('interest')"));
                tx.setRollbackOnly("only the audit was wanted");
            });
        } catch (TxRejectedException refused) {
            return "Refused, instead of waiting for itself: " + refused.getMessage();
        }
        long notes = db.withConnection(connection -> Sql.number(connection, "select count(*) from audit"));
        return "The interest was rolled back, and the audit has " + notes + " note of it.";
    }

    /** One clear error, before anything is sent. */
    private String refusal() {
        try {
            db.execute(TxOptions.none().label("report").with(PostgresOptions.DEFERRABLE, true), bank::payInterest);
            return "Not refused.";
        } catch (TxUnsupportedException refused) {
            return String.valueOf(refused.getMessage());
        }
    }
}
