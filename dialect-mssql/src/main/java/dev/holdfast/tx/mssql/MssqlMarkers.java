package dev.holdfast.tx.mssql;

import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import java.util.List;

/*
 * How a lost commit is settled: by a row of a table, for the server does not say what became of a transaction.
 *
 * The row travels with the begin, which costs a round trip anyhow. In front of COMMIT it would have to be kept from
 * failing without the batch noticing. The INSERT comes before the DELETE, so that its error is the first that the driver
 * sees.
 *
 * Who asks takes the range of the key, so that nobody writes it between the look and the INSERT. A transaction that has
 * written it and is still open keeps him from that: the error is 1222, at once, and the engine asks again.
 */
final class MssqlMarkers {
    private static final String DDL = "CREATE TABLE " + MarkerTable.TABLE + " (id char(32) NOT NULL PRIMARY KEY,"
            + " outcome varchar(9) NOT NULL, written datetime2 NOT NULL DEFAULT SYSUTCDATETIME())";

    private MssqlMarkers() {}

    /** Whether a transaction writes its row. */
    static boolean isWished(Wish wish) {
        return wish.carries(Wish.Carry.MARKER) || wish.options().isVerifiable();
    }

    static List<Step> steps(Profile profile) {
        MarkerTable table = table(profile);
        return List.of(table.write(), table.forget());
    }

    static Settlement settlement(Profile profile) {
        MarkerTable table = table(profile);
        String id = "'{" + MarkerTable.ID + "}'";
        return new Settlement(
                Message.each(
                        new Step.Sql(
                                "INSERT INTO " + table.name() + " (id, outcome) SELECT " + id + ", 'aborted'"
                                        + " WHERE NOT EXISTS (SELECT 1 FROM " + table.name()
                                        + " WITH (UPDLOCK, HOLDLOCK, NOWAIT) WHERE id = " + id + ")",
                                List.of(),
                                List.of(MarkerTable.ID)),
                        table.read()),
                table);
    }

    /** Of the database that connections begin in, in the user's schema there: the body may go to another one. */
    private static MarkerTable table(Profile profile) {
        String database = MssqlProfiles.database(profile);
        return new MarkerTable((database == null ? "" : database + "..") + MarkerTable.TABLE, DDL);
    }
}
