package dev.holdfast.tx.spi;

import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Step.DriverSavepoint;
import dev.holdfast.tx.spi.Step.DriverSavepoint.Act;

/**
 * How savepoints are made. Names are made by the engine: {@code hf_} and a number, unique within the transaction and
 * never used twice.
 */
public interface Savepoints {
    /** Sets one. */
    Message set(String name);

    /**
     * Sets one whose scope can only read; only asked of databases that declare {@link Feature#READ_ONLY_SAVEPOINT}.
     */
    default Message setReadOnly(String name) {
        throw new TxUnsupportedException("A read-only savepoint is not known to this dialect");
    }

    /** Undoes what came after it and forgets it, in one message where the server can. */
    Message rollbackTo(String name);

    /** Forgets it; {@link Message#nothing()} where the server knows no release. */
    Message release(String name);

    /**
     * By the calls of JDBC, for databases whose SQL has no savepoints, or none inside another.
     *
     * @param releases whether the driver can release them
     */
    static Savepoints ofDriver(boolean releases) {
        return new Savepoints() {
            @Override
            public Message set(String name) {
                return Message.each(new DriverSavepoint(Act.SET, name));
            }

            @Override
            public Message rollbackTo(String name) {
                Step rollback = new DriverSavepoint(Act.ROLLBACK_TO, name);
                return releases
                        ? Message.each(rollback, new DriverSavepoint(Act.RELEASE, name))
                        : Message.each(rollback);
            }

            @Override
            public Message release(String name) {
                return releases ? Message.each(new DriverSavepoint(Act.RELEASE, name)) : Message.nothing();
            }
        };
    }

    /** Of a database without savepoints: every call is refused. */
    static Savepoints unsupported(String server) {
        return new Savepoints() {
            @Override
            public Message set(String name) {
                throw new TxUnsupportedException(server + " has no savepoints; use propagation REUSE or SEPARATE");
            }

            @Override
            public Message rollbackTo(String name) {
                return set(name);
            }

            @Override
            public Message release(String name) {
                return set(name);
            }
        };
    }
}
