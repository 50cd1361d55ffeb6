package dev.holdfast.tx;

import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A database that transactions run on. Made once, shared by all threads, and independent of every other one: two
 * transactors to two databases work side by side in one block.
 *
 * <p>Transactions are lazy: a scope takes no connection, and a savepoint is not sent, before the first statement. So the
 * snapshot, the order of locks, {@code now()} and the server's timeouts start there, and an error of the pool appears
 * inside the body. {@link Tx#open()} begins at once.
 */
public interface Transactor extends ConnectionScope, AutoCloseable {
    /** Begins a transaction that the caller ends; as {@link #begin(TxOptions)} without options. */
    default UnmanagedTx begin() {
        return begin(TxOptions.none());
    }

    /**
     * Begins a transaction that the caller ends. It is always a root and never ambient; {@link #within} makes it so for
     * a block.
     *
     * @param options what the transaction must be; the whole timeout runs from here
     * @throws TxRejectedException if a retry policy is asked for, there being no body to run again; if the propagation is
     *     MANDATORY or SAVEPOINT, or REUSE or ROOT_ONLY inside a transaction; or inside a test fixture
     * @throws TxUnsupportedException if the database cannot do what was asked for; nothing was sent
     */
    UnmanagedTx begin(TxOptions options);

    /** The innermost ambient transaction of the calling thread; null if there is none or ambient is off. */
    @Nullable
    Tx current();

    /**
     * Does the work as if no transaction were running: what it sends runs on its own, and commits at once.
     *
     * @return what the work returned
     */
    <T extends @Nullable Object> T outside(Work<T> work);

    /** As {@link #outside}, without a result. */
    default void executeOutside(Action action) {
        this.<@Nullable Object>outside(() -> {
            action.perform();
            return null;
        });
    }

    /**
     * Does the work with the given transaction as the ambient one, also where ambient transactions are off.
     *
     * @param tx a transaction of this transactor
     * @return what the work returned
     * @throws IllegalArgumentException if the transaction is another transactor's
     * @throws TxStateException if it has ended
     */
    <T extends @Nullable Object> T within(Tx tx, Work<T> work);

    /** As {@link #within}, without a result. */
    default void executeWithin(Tx tx, Action action) {
        this.<@Nullable Object>within(tx, () -> {
            action.perform();
            return null;
        });
    }

    /**
     * The same database, and the same ambient transaction, with other defaults. Closing one of them closes all.
     *
     * @param change from the defaults in force to the new ones
     * @throws TxUnsupportedException if the database cannot do what they ask for
     */
    Transactor withOptions(UnaryOperator<TxOptions> change);

    /**
     * Binds a repository: each transaction begun through the binding makes one for itself.
     *
     * @param repository makes it from the transaction
     */
    default <A> Binding<A> binding(Function<? super Tx, ? extends A> repository) {
        return new Binding<>(this, repository);
    }

    /** Binds two repositories. */
    default <A, B> Binding.Two<A, B> binding(
            Function<? super Tx, ? extends A> first, Function<? super Tx, ? extends B> second) {
        return new Binding.Two<>(this, first, second);
    }

    /** Binds three repositories. */
    default <A, B, C> Binding.Three<A, B, C> binding(
            Function<? super Tx, ? extends A> first,
            Function<? super Tx, ? extends B> second,
            Function<? super Tx, ? extends C> third) {
        return new Binding.Three<>(this, first, second, third);
    }

    /**
     * What the database would be sent for these options on top of the defaults, and what must be known about it; asks
     * nobody.
     *
     * @throws TxUnsupportedException if the database cannot do it
     */
    String explain(TxOptions options);

    /**
     * Names all commits that were made through this transactor, or one with other defaults of the same database, and were answered
     * before this call; perhaps later ones of others, too. For {@link Reads#causal(CausalToken)}, here or in another process.
     * Where the position of the last commit is not known, the primary is asked: see {@link ReplicaPolicy}.
     *
     * @throws TxUnsupportedException if the database has no positions
     * @throws TxException if the primary had to be asked and did not answer
     */
    CausalToken causalToken();

    /** Closes the pools that Holdfast opened, and refuses new work. A data source that was handed in stays open. */
    @Override
    void close();
}
