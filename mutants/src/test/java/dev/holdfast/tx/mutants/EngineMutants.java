package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.Facts;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Engines with one thing wrong each, and how they are broken. */
final class EngineMutants {
    private EngineMutants() {}

    static List<Mutant> all() {
        return Stream.of(
                        HookMutants.all(),
                        ScopeMutants.all(),
                        EndMutants.all(),
                        OptionMutants.all(),
                        HandleMutants.all(),
                        UnmanagedMutants.all(),
                        ThreadMutants.all())
                .flatMap(List::stream)
                .toList();
    }

    static Mutant sqlite(String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withEngine(change), killer, says);
    }

    static Mutant postgres(String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(id, what, "PostgreSQL", () -> Databases.postgres().withEngine(change), killer, says);
    }

    /** Every handle is broken like this. */
    static UnaryOperator<Transactor> handles(Function<Broken, Tx> change) {
        return good -> new BrokenTransactor(good, other -> handles(change).apply(other)) {
            @Override
            Tx handle(Tx tx) {
                return change.apply(new Broken(tx, this));
            }
        };
    }

    /** A handle that is about to be broken, and whose. */
    record Broken(Tx tx, BrokenTransactor owner) {}

    /** Scopes are asked for with other options. */
    static UnaryOperator<Transactor> asking(Function<Asked, TxOptions> change) {
        return good -> new BrokenTransactor(good, other -> asking(change).apply(other)) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(change.apply(new Asked(options, good.current() != null)), body);
            }
        };
    }

    /** What was asked for, and whether a transaction is running. */
    record Asked(TxOptions options, boolean inside) {}

    static <T extends @Nullable Object> T applied(TxBody<T> body, Tx tx) {
        try {
            return body.apply(tx);
        } catch (Exception e) {
            throw Facts.<RuntimeException>sneaky(e);
        }
    }
}
