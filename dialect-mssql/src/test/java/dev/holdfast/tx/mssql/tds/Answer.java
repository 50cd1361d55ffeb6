package dev.holdfast.tx.mssql.tds;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is answered to a statement of a test's. Immutable.
 *
 * @param columns how many columns its rows have; 0 for no rows
 * @param rows its rows
 * @param count how many rows it changed; negative for a statement that changes none
 * @param errors what is raised
 * @param did what the statement did to the transaction, as the test has it
 */
public record Answer(int columns, List<List<@Nullable Object>> rows, long count, List<Raised> errors, Did did) {
    /**
     * An error of the server's.
     *
     * @param number by which it is told
     * @param severity how bad it is
     * @param state where it was raised
     * @param message its text
     */
    public record Raised(int number, int severity, int state, String message) {}

    /** What a statement did to the transaction. */
    public enum Did {
        /** Nothing: it was done, or undone by itself. XACT_ABORT makes of an undone one that the transaction ended. */
        NOTHING,
        /** It was rolled back, and what follows in the batch is not run. */
        ROLLED_BACK,
        /** It can only be rolled back; the end of the batch finds that and does it. */
        DOOMED,
        /** It was committed, by a procedure for one. */
        COMMITTED,
        /** Another was begun inside it. */
        BEGUN
    }

    /** Rows changed. */
    public static Answer count(long count) {
        return new Answer(0, List.of(), count, List.of(), Did.NOTHING);
    }

    /** One row of numbers, texts and nulls. */
    public static Answer row(@Nullable Object... values) {
        List<@Nullable Object> row = new ArrayList<>();
        for (Object value : values) {
            row.add(value);
        }
        return new Answer(values.length, List.of(row), -1, List.of(), Did.NOTHING);
    }

    /** An error of severity 16 and state 1. */
    public static Answer error(int number) {
        return error(number, 16, 1, "Error " + number + " of the responder.");
    }

    /** An error. */
    public static Answer error(int number, int severity, int state, String message) {
        return new Answer(0, List.of(), -1, List.of(new Raised(number, severity, state, message)), Did.NOTHING);
    }

    /** With this error after it. */
    public Answer then(int number) {
        List<Raised> more = new ArrayList<>(errors);
        more.add(new Raised(number, 16, 1, "Error " + number + " of the responder."));
        return new Answer(columns, rows, count, List.copyOf(more), did);
    }

    /** With this done to the transaction. */
    public Answer did(Did done) {
        return new Answer(columns, rows, count, errors, done);
    }
}
