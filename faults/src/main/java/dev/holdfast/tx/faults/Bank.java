package dev.holdfast.tx.faults;

import dev.holdfast.tx.Tx;
import dev.holdfast.tx.testkit.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Accounts and transfers; each transfer has a number of its own, and nothing but that keeps it from being done twice. */
final class Bank {
    static final int ACCOUNTS = 40;
    private static final int START = 1_000_000;

    private final Site site;

    private Bank(Site site) {
        this.site = site;
    }

    /** Opens it anew. */
    static Bank open(Site site) throws SQLException {
        site.run(
                "drop table if exists bank_transfer",
                "drop table if exists bank_account",
                "create table bank_account (id int primary key, balance int not null)",
                "create table bank_transfer (id int not null, source int not null, target int not null, amount int not null)");
        for (int id = 0; id < ACCOUNTS; id++) {
            site.run("insert into bank_account (id, balance) values (" + id + ", " + START + ")");
        }
        return new Bank(site);
    }

    /** One transfer as it was thought of. */
    record Transfer(int id, int source, int target, int amount) {
        static Transfer random(int id, Random random) {
            int source = random.nextInt(ACCOUNTS);
            int target = (source + 1 + random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
            return new Transfer(id, source, target, 1 + random.nextInt(9));
        }

        /** Its steps, with something in front of each. */
        void make(Tx tx, Step before) throws SQLException {
            before.at(1);
            Sql.update(tx, "insert into bank_transfer values (?, ?, ?, ?)", id, source, target, amount);
            before.at(2);
            book(tx, "update bank_account set balance = balance - ? where id = ?", source);
            before.at(3);
            book(tx, "update bank_account set balance = balance + ? where id = ?", target);
        }

        private void book(Tx tx, String sql, int account) throws SQLException {
            // no row and no error was seen on MariaDB 11.4, where statements are killed
            int changed = Sql.update(tx, sql, amount, account);
            if (changed != 1) {
                throw new IllegalStateException("Account " + account + ": " + changed + " rows were changed");
            }
        }
    }

    /** What happens in front of a step. */
    @FunctionalInterface
    interface Step {
        void at(int number);
    }

    /** How often each transfer was done. */
    Map<Integer, Integer> done() throws SQLException {
        Map<Integer, Integer> done = new HashMap<>();
        query("select id, count(*) from bank_transfer group by id", row -> done.put(row.getInt(1), row.getInt(2)));
        return done;
    }

    /** The accounts whose balance is not what their transfers make of it: transfers that were done in part. */
    int torn() throws SQLException {
        int[] torn = new int[1];
        query(
                "select a.balance, (select coalesce(sum(amount), 0) from bank_transfer where target = a.id),"
                        + " (select coalesce(sum(amount), 0) from bank_transfer where source = a.id)"
                        + " from bank_account a",
                row -> torn[0] += row.getInt(1) == START + row.getInt(2) - row.getInt(3) ? 0 : 1);
        return torn[0];
    }

    @FunctionalInterface
    private interface Row {
        void take(ResultSet row) throws SQLException;
    }

    private void query(String sql, Row each) throws SQLException {
        try (Connection session = site.sessions.getConnection();
                Statement statement = session.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                each.take(rows);
            }
        }
    }
}
