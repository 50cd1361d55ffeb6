package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.applied;
import static dev.holdfast.tx.mutants.EngineMutants.postgres;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Engines with something wrong about transactions that their holder ends. */
final class UnmanagedMutants {
    private UnmanagedMutants() {}

    static List<Mutant> all() {
        return List.of(
                sqlite(
                        "M63",
                        "a second end of an unmanaged transaction is taken",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                if (begun.tx().isActive()) {
                                    begun.tx().commit();
                                }
                            }

                            @Override
                            public void rollback() {
                                if (begun.tx().isActive()) {
                                    begun.tx().rollback();
                                }
                            }
                        }),
                        "UNM-03",
                        "expected a TxStateException, but saw null"),
                sqlite(
                        "M64",
                        "the commit of an unmanaged transaction that cannot be committed says nothing",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                try {
                                    begun.tx().commit();
                                } catch (TxRolledBackException e) {
                                    // that is what is broken
                                }
                            }
                        }),
                        "UNM-04",
                        "expected a TxRolledBackException, but saw null"),
                sqlite(
                        "M70",
                        "the commit of an unmanaged transaction rolls back",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                begun.tx().rollback();
                            }
                        }),
                        "UNM-01",
                        "committed rows: expected [1], but saw []"),
                postgres(
                        "M95",
                        "what an unmanaged transaction changed is undone by its commit",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                begun.tx().rollback();
                            }
                        }),
                        "ISO-09",
                        "forbidden"),
                sqlite(
                        "M71",
                        "an unmanaged transaction is bound to the thread that began it",
                        unmanaged(begun -> {
                            Thread beginner = Thread.currentThread();
                            return new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                                @Override
                                public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                                    if (Thread.currentThread() != beginner) {
                                        throw new TxStateException("This transaction belongs to " + beginner);
                                    }
                                    return super.transact(options, body);
                                }
                            };
                        }),
                        "UNM-06",
                        "This transaction belongs to"),
                sqlite(
                        "M72",
                        "a scope that joined an unmanaged transaction and failed is forgotten",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                                return applied(body, this);
                            }
                        }),
                        "UNM-08",
                        "does not hold: it is rollback-only"),
                sqlite(
                        "M65",
                        "a transaction begun inside another joins it",
                        UnmanagedMutants::joiningBegins,
                        "UNM-10",
                        "committed rows: expected [1], but saw []"));
    }

    /** Every unmanaged transaction is broken like this. */
    static UnaryOperator<Transactor> unmanaged(Function<Begun, UnmanagedTx> change) {
        return good -> new BrokenTransactor(good, other -> unmanaged(change).apply(other)) {
            @Override
            UnmanagedTx unmanaged(UnmanagedTx tx) {
                return change.apply(new Begun(tx, this));
            }
        };
    }

    /** An unmanaged transaction that is about to be broken, and whose. */
    record Begun(UnmanagedTx tx, BrokenTransactor owner) {}

    private static Transactor joiningBegins(Transactor engine) {
        return new BrokenTransactor(engine, UnmanagedMutants::joiningBegins) {
            @Override
            public UnmanagedTx begin(TxOptions options) {
                Tx running = good.current();
                return running == null ? super.begin(options) : new Joined(running, this);
            }
        };
    }

    /** A transaction that only seems to be of its own. */
    private static final class Joined extends BrokenTx implements UnmanagedTx {
        Joined(Tx good, BrokenTransactor owner) {
            super(good, owner);
        }

        @Override
        public void commit() {}

        @Override
        public void rollback() {
            setRollbackOnly("rolled back");
        }

        @Override
        public void close() {}
    }
}
