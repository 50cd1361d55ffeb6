package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** One thing that is done on a connection. */
public sealed interface Step {
    /**
     * A statement without parameters.
     *
     * @param text one statement; <code>{slot}</code> stands for the value of a slot in {@code uses}
     * @param reads the slots that the columns of its first row go to, in order; empty if it returns no rows
     * @param uses the slots put into the text; their values may hold letters, digits, blanks and {@code _.:/+-} only.
     *     A statement whose slot was never read is left out: what was never read was never changed
     */
    record Sql(String text, List<String> reads, List<String> uses) implements Step {
        /** Copies the slots. */
        public Sql {
            reads = List.copyOf(reads);
            uses = List.copyOf(uses);
        }

        @Override
        public String toString() {
            return text + (reads.isEmpty() ? "" : " -> " + reads);
        }
    }

    /** A call of the driver. */
    enum Drive implements Step {
        /** {@code setAutoCommit(false)}. */
        AUTOCOMMIT_OFF,
        /** {@code setAutoCommit(true)}; never while a transaction may be open. */
        AUTOCOMMIT_ON,
        /** {@code setReadOnly(true)}. */
        READ_ONLY_ON,
        /** {@code setReadOnly(false)}. */
        READ_ONLY_OFF,
        /** {@code commit()}. */
        COMMIT,
        /** {@code rollback()}; left out where the driver is on autocommit, which drivers answer with an error. */
        ROLLBACK;

        @Override
        public String toString() {
            return "<" + name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + ">";
        }
    }

    /**
     * A savepoint as an object of the driver's, where SQL cannot name one. The engine keeps the object with the connection.
     *
     * @param act what is done
     * @param name of the savepoint
     */
    record DriverSavepoint(Act act, String name) implements Step {
        /** What is done with a savepoint. */
        public enum Act {
            /** {@code setSavepoint(name)}. */
            SET,
            /** {@code rollback(savepoint)}. */
            ROLLBACK_TO,
            /** {@code releaseSavepoint(savepoint)}. */
            RELEASE
        }

        @Override
        public String toString() {
            return "<" + act.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + " savepoint " + name + ">";
        }
    }

    /**
     * What is none of these: a call of the driver's own interface.
     *
     * @param description for {@code explain}
     * @param action the call; sends nothing but what the description says
     */
    record Native(String description, Action action) implements Step {
        /** A call on a connection. */
        @FunctionalInterface
        public interface Action {
            /**
             * Does it.
             *
             * @throws SQLException as the driver raises it
             */
            void on(Connection connection) throws SQLException;
        }

        @Override
        public String toString() {
            return "<" + description + ">";
        }
    }

    /** A statement that returns no rows. */
    static Sql sql(String text) {
        return new Sql(text, List.of(), List.of());
    }

    /** A query whose first row goes to these slots. */
    static Sql query(String text, String... reads) {
        return new Sql(text, List.of(reads), List.of());
    }
}
