package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;

/** See sqlite.org/lang_savepoint.html. {@code ROLLBACK TO} keeps the savepoint, so it is released as well. */
record SqliteSavepoints() implements Savepoints {
    @Override
    public Message set(String name) {
        return Message.each(Step.sql("SAVEPOINT " + quoted(name)));
    }

    @Override
    public Message rollbackTo(String name) {
        return Message.each(Step.sql("ROLLBACK TO " + quoted(name)), Step.sql("RELEASE " + quoted(name)));
    }

    @Override
    public Message release(String name) {
        return Message.each(Step.sql("RELEASE " + quoted(name)));
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
