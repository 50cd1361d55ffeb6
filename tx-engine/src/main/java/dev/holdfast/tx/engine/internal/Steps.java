package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.InFront;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The calls of a transactor in steps, for callers that wait by suspending. */
public final class Steps {
    private final EngineTransactor transactor;
    private final Current.@Nullable Frame start;

    private Steps(EngineTransactor transactor, Current.@Nullable Frame start) {
        this.transactor = transactor;
        this.start = start;
    }

    /**
     * The steps of a transactor, from what is current now.
     *
     * @throws IllegalArgumentException if it was not made by {@link dev.holdfast.tx.engine.Holdfast}, nor stands in front of
     *     one that was
     */
    public static Steps of(Transactor transactor) {
        if (transactor instanceof InFront front) {
            return front.behind(Steps::of);
        }
        if (transactor instanceof EngineTransactor ours) {
            return new Steps(ours, Current.innermost());
        }
        throw new IllegalArgumentException("Suspending calls need a Transactor that was made by Holdfast, not a "
                + transactor.getClass().getName());
    }

    /** What is current where the calls are made. */
    public Current.@Nullable Frame start() {
        return start;
    }

    /**
     * Decides how a call starts, inside what is current.
     *
     * @throws TxException if it cannot be started
     */
    public Call call(TxOptions asked) {
        return transactor.call(Current.scope(transactor.engine()), asked);
    }

    /**
     * Decides how a call inside a scope starts.
     *
     * @throws TxException if it cannot be started
     * @throws TxStateException if the scope has ended
     */
    public static Call call(Tx running, TxOptions asked) {
        Scope scope = scope(running);
        scope.requireOpen("A nested scope");
        return scope.transactor.call(scope, asked);
    }

    /** What is current in work outside of every transaction, inside what is current. */
    public Current.Frame outside() {
        Engine engine = transactor.engine();
        return Current.inner(engine, transactor.outsideOf(Current.scope(engine)), true);
    }

    /**
     * What is current in work within a transaction, inside what is current.
     *
     * @throws IllegalArgumentException if it belongs to another transactor
     * @throws TxStateException if it has ended
     */
    public Current.Frame within(Tx tx) {
        return Current.inner(transactor.engine(), transactor.chosen(tx), true);
    }

    /** The bracket of a transaction that is ended by name, in the step after its body; null if it was ended before. */
    public static @Nullable Bracket closing(UnmanagedTx tx) {
        return unmanaged(tx).closing();
    }

    /**
     * The bracket of a transaction that is ended by name, in the step after its body.
     *
     * @throws TxStateException if it was ended before
     */
    public static Bracket ending(UnmanagedTx tx, boolean commits) {
        return unmanaged(tx).ending(commits ? "commit" : "rollback", commits);
    }

    /** The place in the pool that an unmanaged transaction takes; null if it needs none. */
    public static @Nullable Place place(UnmanagedTx tx) {
        return Place.of(unmanaged(tx).transaction);
    }

    /** The scope that a call of this transactor would join; null if there is none. */
    public @Nullable Tx running() {
        return Current.scope(transactor.engine());
    }

    /** Whether two scopes roll back together. */
    public static boolean shareUnit(Tx one, Tx other) {
        return scope(one).unit == scope(other).unit;
    }

    /** Whether two scopes share a connection. */
    public static boolean shareTransaction(Tx one, Tx other) {
        return scope(one).transaction == scope(other).transaction;
    }

    /**
     * Has work that is held back told of the savepoints of a scope's transaction.
     *
     * @throws TxStateException if the scope has ended
     */
    public static void hold(Tx tx, HeldBack work) {
        scope(tx).inTurn("To hold work back", savepoints -> savepoints.hold(work));
    }

    /** Ends {@link #hold}, also after the scope's end. */
    public static void holdNoMore(Tx tx, HeldBack work) {
        Transaction transaction = scope(tx).transaction;
        if (transaction.turn.tryTake()) {
            transaction.savepoints.holdNoMore(work);
            transaction.turn.giveBack();
        }
    }

    private static Scope scope(Tx tx) {
        if (tx instanceof Scope scope) {
            return scope;
        }
        throw new IllegalArgumentException("Suspending calls need a Tx that was made by Holdfast, not a "
                + tx.getClass().getName());
    }

    private static UnmanagedScope unmanaged(UnmanagedTx tx) {
        if (Objects.requireNonNull(tx, "tx") instanceof UnmanagedScope scope) {
            return scope;
        }
        throw new IllegalArgumentException("Suspending calls need an UnmanagedTx that was made by Holdfast, not a "
                + tx.getClass().getName());
    }
}
