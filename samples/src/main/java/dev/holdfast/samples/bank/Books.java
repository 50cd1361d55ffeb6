package dev.holdfast.samples.bank;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The check at the end of the day, by plain JDBC on a connection that Holdfast knows nothing of. */
final class Books {
    private Books() {}

    /**
     * What was found.
     *
     * @param before the money there was in the morning
     * @param after the money there is now
     * @param complaints what is wrong; empty if nothing is
     */
    record Findings(long before, long after, List<String> complaints) {
        Findings {
            complaints = List.copyOf(complaints);
        }
    }

    static Findings check(Connection connection, Receipts receipts, Tally tally) throws SQLException {
        List<String> complaints = new ArrayList<>(tally.complaints(receipts));
        long before = (Bank.CUSTOMERS + 1) * Bank.OPENING_BALANCE;
        long after = Sql.number(connection, "select sum(cents) from account");
        if (before != after) {
            complaints.add("There were " + Money.text(before) + " and there are " + Money.text(after) + ": "
                    + Money.text(after - before));
        }
        checkBalances(connection, complaints);
        checkReceipts(connection, receipts, complaints);
        return new Findings(before, after, complaints);
    }

    /** Each account must have what it began with, and what the ledger says came and went. */
    private static void checkBalances(Connection connection, List<String> complaints) throws SQLException {
        String wrong = """
                select id, cents, ? + (select coalesce(sum(cents), 0) from ledger where payee = account.id)
                                    - (select coalesce(sum(cents), 0) from ledger where payer = account.id)
                from account order by id""";
        Sql.query(
                connection,
                wrong,
                row -> row.getLong(2) == row.getLong(3)
                        || complaints.add("Account " + row.getInt(1) + " has " + Money.text(row.getLong(2))
                                + ", and by the ledger it should have " + Money.text(row.getLong(3))),
                Bank.OPENING_BALANCE);
    }

    /** What was told as committed must be there exactly once, what was told as rolled back must not. */
    private static void checkReceipts(Connection connection, Receipts receipts, List<String> complaints)
            throws SQLException {
        Map<Long, Integer> times = new HashMap<>();
        Sql.query(
                connection,
                "select order_id, count(*) from ledger where what = 'transfer' group by order_id",
                row -> times.put(row.getLong(1), row.getInt(2)));
        for (long order : receipts.committed()) {
            int found = times.getOrDefault(order, 0);
            if (found != 1) {
                complaints.add("Order " + order + " was told as committed and is in the ledger " + found + " times");
            }
        }
        Set<Long> committed = receipts.committed();
        Set<Long> unknown = receipts.unknown();
        times.forEach((order, found) -> {
            if (!committed.contains(order) && !(unknown.contains(order) && found == 1)) {
                complaints.add(
                        "Order " + order + " was not told as committed and is in the ledger " + found + " times");
            }
        });
    }
}
