package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.List;

/*
 * How a lost commit is settled: by a row of a table, for the servers do not say what became of a transaction.
 *
 * The row travels in front of COMMIT in the same string, so it costs no round trip. In a batch that would be no fence,
 * because a batch goes on after an error: there it travels with the begin.
 *
 * INSERT IGNORE waits for a transaction that has written the same key and is still open, as any INSERT does. The wait is
 * limited, so that the connection is not kept for long, and is begun again by the engine.
 */
final class MysqlMarkers {
    private static final String DDL =
            "CREATE TABLE " + MarkerTable.TABLE + " (id CHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY,"
                    + " outcome VARCHAR(9) CHARACTER SET ascii NOT NULL,"
                    + " written TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB";

    /** Before a text that begins with INSERT, Connector/J asks the server whether the session is read-only. */
    static final Step NO_INSERT = Step.sql("SET @hf_marker = NULL");

    private static final List<MysqlSettings.Variable> WAIT = List.of(MysqlSettings.lockTimeout(Duration.ofSeconds(1)));

    private MysqlMarkers() {}

    /** Whether a transaction writes its row. */
    static boolean isWished(Wish wish) {
        return wish.carries(Wish.Carry.MARKER) || wish.options().isVerifiable();
    }

    /** Whether the row travels with COMMIT; otherwise with the begin. */
    static boolean travelsWithCommit(Travel travel) {
        return travel != Travel.BATCH;
    }

    static List<Step> steps(Profile profile) {
        MarkerTable table = table(profile);
        return List.of(table.write(), table.forget());
    }

    static Settlement settlement(Profile profile) {
        MarkerTable table = table(profile);
        return new Settlement(
                Message.each(
                        Step.sql(MysqlSettings.change(WAIT)),
                        new Step.Sql(
                                "INSERT IGNORE INTO " + table.name() + " (id, outcome) VALUES ('{" + MarkerTable.ID
                                        + "}', 'aborted')",
                                List.of(),
                                List.of(MarkerTable.ID)),
                        table.read(),
                        Step.sql(MysqlSettings.putBack(WAIT))),
                table);
    }

    /** Of the database that connections begin in: the body may have gone to another one. */
    private static MarkerTable table(Profile profile) {
        String database = MysqlProfiles.database(profile);
        String prefix = database == null ? "" : "`" + database.replace("`", "``") + "`.";
        return new MarkerTable(prefix + MarkerTable.TABLE, DDL);
    }
}
