package dev.holdfast.tx.spi;

import java.util.List;

/**
 * A table by which a lost commit is settled. A transaction planned with {@link Wish.Carry#MARKER} writes a row with an id of
 * its own, which says {@code committed}. Who asks afterwards what became of it writes a row with the same id, which says
 * {@code aborted}, unless there is one, and reads what is there. A row of a transaction that is still open is waited for. Once
 * the asker's row is there, the transaction cannot write its own any more, and so not commit.
 *
 * <p>Rows of transactions whose end is known are deleted by later ones, in the message that writes their own.
 *
 * @param name of the table as statements have it: it must mean the same one in every session, whatever was done there
 * @param ddl makes the table, with its bare name {@value #TABLE}. Columns: {@code id}, 32 letters and digits, the primary key;
 *     {@code outcome}, up to 9 letters; {@code written}, when, by default
 */
public record MarkerTable(String name, String ddl) {
    /** The name of the table. */
    public static final String TABLE = "holdfast_marker";

    /** The slot with the id of the transaction's row; the engine gives it. */
    public static final String ID = "marker";

    /** The slot with the id of an earlier transaction's row that nobody needs any more; the engine gives it, if there is one. */
    public static final String SETTLED = "settled_marker";

    /** Writes the row of a transaction that is to be committed. */
    public Step.Sql write() {
        return new Step.Sql(
                "INSERT INTO " + name + " (id, outcome) VALUES ('{" + ID + "}', 'committed')", List.of(), List.of(ID));
    }

    /** Deletes the row of an earlier transaction; left out if there is none to delete. */
    public Step.Sql forget() {
        return new Step.Sql("DELETE FROM " + name + " WHERE id = '{" + SETTLED + "}'", List.of(), List.of(SETTLED));
    }

    /** Reads what the row says. */
    public Step.Sql read() {
        return new Step.Sql(
                "SELECT outcome FROM " + name + " WHERE id = '{" + ID + "}'", List.of(Settlement.OUTCOME), List.of(ID));
    }

    /** Fails if the table is not there, or may not be written; changes nothing. */
    public Message check() {
        return Message.each(
                Step.sql("INSERT INTO " + name + " (id, outcome) SELECT id, outcome FROM " + name + " WHERE 1 = 0"));
    }
}
