package dev.holdfast.samples.bank;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Tx;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What can be done with accounts. Works in whatever transaction it is given, and never begins or ends one.
 *
 * <p>It writes balances that it has computed from those it read. Two transfers that read the same balance and both write
 * would lose money: nothing but the transactions keeps that from happening.
 */
final class Bank {
    /** The bank's own account, which pays bonuses. */
    static final int HOUSE = 0;

    static final int CUSTOMERS = 24;
    static final long OPENING_BALANCE = 1_000_00;
    private static final long BONUS = 1_00;

    /** How transfers are kept from each other. */
    enum Manner {
        /** Locks the two accounts before it reads them: others wait. */
        LOCKING,
        /** Reads without a lock; where another was faster, the database refuses and the transfer is run again. */
        OPTIMISTIC
    }

    /** The payer has less than is to be paid. */
    static final class NotEnoughMoney extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotEnoughMoney(int account, long cents) {
            super("Account " + account + " does not have " + Money.text(cents));
        }
    }

    private static final String READ =
            "select id, cents from account {table-lock} where id in (?, ?) order by id {row-lock}";

    private final Manner manner;

    Bank(Manner manner) {
        this.manner = manner;
    }

    /** Makes the tables and opens the accounts. */
    static void open(Connection connection) throws SQLException {
        Sql.update(connection, "create table account (id int primary key, cents bigint not null check (cents >= 0))");
        // No key on order_id: if an order were carried out twice, the books must show it.
        Sql.update(
                connection,
                "create table ledger (order_id bigint not null, what varchar(10) not null, payer int not null, payee int"
                        + " not null, cents bigint not null)");
        Sql.update(connection, "create table voucher (code varchar(10) primary key, order_id bigint not null)");
        Sql.update(connection, "create table audit (what varchar(100) not null)");
        for (int id = HOUSE; id <= CUSTOMERS; id++) {
            Sql.update(connection, "insert into account (id, cents) values (?, ?)", id, OPENING_BALANCE);
        }
    }

    /** Takes the money from the payer, gives it to the payee, and writes both into the ledger. */
    void transfer(Tx tx, Order order) throws SQLException {
        move(tx, order.id(), "transfer", order.payer(), order.payee(), order.cents());
    }

    /** Pays the bonus of the order's voucher; an error of the database if the voucher was used before. */
    void redeem(Tx tx, Order order, String voucher) throws SQLException {
        move(tx, order.id(), "bonus", HOUSE, order.payer(), BONUS);
        Sql.update(tx.connection(), "insert into voucher (code, order_id) values (?, ?)", voucher, order.id());
    }

    /** Pays one per cent to every customer, and answers how much that was. */
    long payInterest(Tx tx) throws SQLException {
        long before = customersHave(tx);
        Sql.update(tx.connection(), "update account set cents = cents + cents / 100 where id <> ?", HOUSE);
        return customersHave(tx) - before;
    }

    private static long customersHave(Tx tx) throws SQLException {
        return Sql.number(tx.connection(), "select sum(cents) from account where id <> ?", HOUSE);
    }

    private void move(Tx tx, long order, String what, int payer, int payee, long cents) throws SQLException {
        Map<Integer, Long> balances = new HashMap<>();
        Sql.query(tx.connection(), read(tx), row -> balances.put(row.getInt("id"), row.getLong("cents")), payer, payee);
        if (balance(balances, payer) < cents) {
            throw new NotEnoughMoney(payer, cents);
        }
        // In the order of their numbers, as the lock takes them: whoever does the same never meets in a deadlock.
        write(tx, Math.min(payer, payee), payer, balances, cents);
        write(tx, Math.max(payer, payee), payer, balances, cents);
        Sql.update(
                tx.connection(),
                "insert into ledger (order_id, what, payer, payee, cents) values (?, ?, ?, ?, ?)",
                order,
                what,
                payer,
                payee,
                cents);
    }

    private String read(Tx tx) {
        return manner == Manner.LOCKING
                ? tx.lock(RowLock.forUpdate(), READ)
                : READ.replace("{table-lock}", "").replace("{row-lock}", "");
    }

    private static void write(Tx tx, int account, int payer, Map<Integer, Long> balances, long cents)
            throws SQLException {
        long after = balance(balances, account) + (account == payer ? -cents : cents);
        Sql.update(tx.connection(), "update account set cents = ? where id = ?", after, account);
    }

    private static long balance(Map<Integer, Long> balances, int account) {
        return Objects.requireNonNull(balances.get(account), "There is no such account");
    }
}
