package dev.holdfast.samples.guide;

import static dev.holdfast.tx.Isolation.SERIALIZABLE;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.samples.firstscreen.Mail;
import dev.holdfast.tx.Binding;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.function.Consumer;

/** How to do what comes up often. */
public final class Recipes {
    private final Transactor db;
    private final Mail mail;

    /** On a database that has the accounts. */
    public Recipes(Transactor db, Mail mail) {
        this.db = db;
        this.mail = mail;
    }

    /** A value out of a transaction. */
    public long valueOut(int alice, int bob) {
        // region value
        long left = db.transact(tx -> {
            Accounts accounts = new Accounts(tx);
            accounts.move(100, alice, bob);
            return accounts.balance(alice);
        });
        // endregion
        return left;
    }

    /** The same code with a transaction and without. */
    public long withAndWithout(int alice, int bob) throws SQLException {
        // region scope
        long before = new Accounts(db).balance(alice); // on its own, autocommitted

        db.execute(tx -> {
            new Accounts(tx).move(30, alice, bob); // in the transaction, by its handle
            new Accounts(db).move(20, alice, bob); // in it as well: the transaction is ambient
        });
        // endregion
        return before - new Accounts(db).balance(alice);
    }

    /** A savepoint whose failure is survived. */
    public void nest(int alice, int bob, int nobody) {
        // region nest
        db.execute(tx -> {
            new Accounts(tx).move(100, alice, bob);
            try {
                tx.executeNested(savepoint -> redeem(savepoint, nobody));
            } catch (IllegalArgumentException refused) {
                // what redeem did is undone, what came before it stands
            }
        });
        // endregion
    }

    private static void redeem(Tx tx, int customer) throws SQLException {
        new Accounts(tx).open(customer, 1);
        throw new IllegalArgumentException("no such voucher");
    }

    /** What joins, and what stands on a savepoint. */
    public void propagate(int alice, int bob) {
        // region propagate
        TxOptions savepoint = TxOptions.none().propagation(Propagation.SAVEPOINT);
        db.execute(tx -> {
            db.execute(joined -> new Accounts(joined).move(10, alice, bob)); // one fate with tx
            db.execute(savepoint, nested -> new Accounts(nested).move(10, alice, bob)); // can fail by itself
        });
        // endregion
    }

    /** Hooks, and what they are told. */
    public void hooks(int alice, int bob, Consumer<String> log) {
        // region hooks
        db.execute(tx -> {
            new Accounts(tx).move(100, alice, bob);
            tx.beforeCommit(() -> log.accept("still inside: throw here, and it is rolled back"));
            tx.afterCommit(() -> mail.send(bob));
            tx.afterRollback(() -> log.accept("nothing of it is there"));
            tx.afterCompletion(outcome -> log.accept(describe(outcome)));
        });
        // endregion
    }

    // region outcome
    /** Tells an outcome: there are three, and no fourth. */
    public static String describe(Outcome outcome) {
        if (outcome instanceof Outcome.RolledBack rolledBack) {
            return "rolled back: " + rolledBack.reason();
        }
        return outcome instanceof Outcome.Unknown ? "COMMIT was sent, its answer was lost" : "committed";
    }
    // endregion

    /** A dry run. */
    public long dryRun(int alice, int bob) {
        // region dry-run
        long wouldBeLeft = db.transact(TxOptions.none().forceRollback(), tx -> {
            new Accounts(tx).move(100, alice, bob);
            return new Accounts(tx).balance(alice);
        });
        // endregion
        return wouldBeLeft;
    }

    /** Limits, and how their expiry is told. */
    public String limits(int alice, int bob) {
        // region limits
        TxOptions limits = TxOptions.none()
                .acquireTimeout(Duration.ofSeconds(2)) // to get a connection
                .lockTimeout(Duration.ofMillis(500)) // to get each lock that somebody else holds
                .statementTimeout(Duration.ofSeconds(5)) // for each statement
                .wholeTimeout(Duration.ofSeconds(10)); // until COMMIT is sent
        try {
            db.execute(limits, tx -> new Accounts(tx).move(100, alice, bob));
            return "moved";
        } catch (Exception e) { // what JDBC threw, with the expiry as its cause
            if (e.getCause() instanceof TxTimeoutException expiry) {
                return "not moved within the " + expiry.limit() + " limit of " + expiry.length();
            }
            throw e;
        }
        // endregion
    }

    /** A database whose inner transactions have a pool of their own. */
    public static Transactor withSeparatePool(String url) {
        // region separate-pool
        return Holdfast.builder(url).separatePool(2).build();
        // endregion
    }

    /** Repositories made for each transaction. */
    public long bind(int alice, int bob) {
        // region binding
        Binding<Accounts> accounts = db.binding(Accounts::new);

        long left = accounts.transact((tx, repository) -> {
            repository.move(100, alice, bob);
            return repository.balance(alice);
        });
        // endregion
        return left;
    }

    /** A transaction that the caller ends, found by code that knows only the database. */
    public void unmanaged(int alice, int bob) throws SQLException {
        // region unmanaged
        try (UnmanagedTx tx = db.begin(TxOptions.of(SERIALIZABLE))) {
            new Accounts(tx).move(50, alice, bob);
            db.executeWithin(tx, () -> new Accounts(db).move(50, alice, bob)); // ambient for this block
            tx.commit(); // close() without it rolls back
        }
        // endregion
    }

    /** The next row of a queue, locked. */
    public int lockOne(int least) {
        // region lock
        int locked = db.transact(tx -> {
            String sql = tx.lock(
                    RowLock.forUpdate(),
                    "select id from account {table-lock} where balance >= ? order by id limit 1 {row-lock}");
            try (PreparedStatement statement = tx.connection().prepareStatement(sql)) {
                statement.setInt(1, least);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? row.getInt("id") : -1;
                }
            }
        });
        // endregion
        return locked;
    }

    /** Locks an account if another has more, and leaves that one free; answers whether it did. */
    public boolean lockIfPoorer(int alice, int bob) {
        // region lock-of
        String poorer = "select a.id from account a {table-lock:a} join account b {table-lock:b}"
                + " on b.balance > a.balance where a.id = ? and b.id = ? {row-lock}";
        boolean locked = db.transact(tx -> {
            String sql = tx.lock(RowLock.forUpdate().of("a").noWait(), poorer);
            try (PreparedStatement statement = tx.connection().prepareStatement(sql)) {
                statement.setInt(1, alice);
                statement.setInt(2, bob);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next();
                }
            }
        });
        // endregion
        return locked;
    }

    /** What went wrong, without a vendor's code. */
    public String openTwice(int alice) {
        // region classify
        try {
            db.execute(tx -> new Accounts(tx).open(alice, 0));
            return "opened";
        } catch (Exception e) {
            Failure failure = db.classify(e);
            if (failure != null && failure.kind() == FailureKind.UNIQUE) {
                return "was open already";
            }
            throw e;
        }
        // endregion
    }

    /** The table that all of this works on. */
    public static void createTable(Transactor db) {
        db.execute(tx -> {
            try (Statement statement = tx.connection().createStatement()) {
                statement.execute(
                        "create table account (id int primary key, balance bigint not null check (balance >= 0))");
            }
        });
    }
}
