package dev.holdfast.tx;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A repository bound to transactions: each transaction begun here makes its own, so none can outlive it by accident.
 *
 * @param <A> the repository
 */
public final class Binding<A> {
    /**
     * A body that is given the transaction and the repository.
     *
     * @param <A> the repository
     * @param <T> the result
     */
    @FunctionalInterface
    public interface Body<A, T extends @Nullable Object> {
        /**
         * Does the work.
         *
         * @throws Exception anything; the scope is rolled back and the caller gets the same object
         */
        T apply(Tx tx, A repository) throws Exception;
    }

    private final Transactor transactor;
    private final Function<? super Tx, ? extends A> repository;

    Binding(Transactor transactor, Function<? super Tx, ? extends A> repository) {
        this.transactor = transactor;
        this.repository = repository;
    }

    /** As {@link Transactor#transact(TxBody)}. */
    public <T extends @Nullable Object> T transact(Body<? super A, T> body) {
        return transact(TxOptions.none(), body);
    }

    /** As {@link Transactor#transact(TxOptions, TxBody)}. */
    public <T extends @Nullable Object> T transact(TxOptions options, Body<? super A, T> body) {
        return transactor.transact(options, tx -> body.apply(tx, tx.bind(repository)));
    }

    /** Begins the transactions. */
    public Transactor transactor() {
        return transactor;
    }

    /** The repository of a transaction: made anew for each call of this. */
    public A repository(Tx tx) {
        return tx.bind(repository);
    }

    /**
     * Two repositories on one transaction.
     *
     * @param <A> the first
     * @param <B> the second
     */
    public static final class Two<A, B> {
        /**
         * A body that is given the transaction and both repositories.
         *
         * @param <A> the first
         * @param <B> the second
         * @param <T> the result
         */
        @FunctionalInterface
        public interface BodyOfTwo<A, B, T extends @Nullable Object> {
            /**
             * Does the work.
             *
             * @throws Exception anything; the scope is rolled back and the caller gets the same object
             */
            T apply(Tx tx, A first, B second) throws Exception;
        }

        private final Transactor transactor;
        private final Function<? super Tx, ? extends A> first;
        private final Function<? super Tx, ? extends B> second;

        Two(Transactor transactor, Function<? super Tx, ? extends A> first, Function<? super Tx, ? extends B> second) {
            this.transactor = transactor;
            this.first = first;
            this.second = second;
        }

        /** As {@link Transactor#transact(TxBody)}. */
        public <T extends @Nullable Object> T transact(BodyOfTwo<? super A, ? super B, T> body) {
            return transact(TxOptions.none(), body);
        }

        /** As {@link Transactor#transact(TxOptions, TxBody)}. */
        public <T extends @Nullable Object> T transact(TxOptions options, BodyOfTwo<? super A, ? super B, T> body) {
            return transactor.transact(options, tx -> body.apply(tx, tx.bind(first), tx.bind(second)));
        }

        /** Begins the transactions. */
        public Transactor transactor() {
            return transactor;
        }

        /** The first of a transaction: made anew for each call of this. */
        public A first(Tx tx) {
            return tx.bind(first);
        }

        /** The second of a transaction: made anew for each call of this. */
        public B second(Tx tx) {
            return tx.bind(second);
        }
    }

    /**
     * Three repositories on one transaction.
     *
     * @param <A> the first
     * @param <B> the second
     * @param <C> the third
     */
    public static final class Three<A, B, C> {
        /**
         * A body that is given the transaction and all three repositories.
         *
         * @param <A> the first
         * @param <B> the second
         * @param <C> the third
         * @param <T> the result
         */
        @FunctionalInterface
        public interface BodyOfThree<A, B, C, T extends @Nullable Object> {
            /**
             * Does the work.
             *
             * @throws Exception anything; the scope is rolled back and the caller gets the same object
             */
            T apply(Tx tx, A first, B second, C third) throws Exception;
        }

        private final Transactor transactor;
        private final Function<? super Tx, ? extends A> first;
        private final Function<? super Tx, ? extends B> second;
        private final Function<? super Tx, ? extends C> third;

        Three(
                Transactor transactor,
                Function<? super Tx, ? extends A> first,
                Function<? super Tx, ? extends B> second,
                Function<? super Tx, ? extends C> third) {
            this.transactor = transactor;
            this.first = first;
            this.second = second;
            this.third = third;
        }

        /** As {@link Transactor#transact(TxBody)}. */
        public <T extends @Nullable Object> T transact(BodyOfThree<? super A, ? super B, ? super C, T> body) {
            return transact(TxOptions.none(), body);
        }

        /** As {@link Transactor#transact(TxOptions, TxBody)}. */
        public <T extends @Nullable Object> T transact(
                TxOptions options, BodyOfThree<? super A, ? super B, ? super C, T> body) {
            return transactor.transact(options, tx -> body.apply(tx, tx.bind(first), tx.bind(second), tx.bind(third)));
        }

        /** Begins the transactions. */
        public Transactor transactor() {
            return transactor;
        }

        /** The first of a transaction: made anew for each call of this. */
        public A first(Tx tx) {
            return tx.bind(first);
        }

        /** The second of a transaction: made anew for each call of this. */
        public B second(Tx tx) {
            return tx.bind(second);
        }

        /** The third of a transaction: made anew for each call of this. */
        public C third(Tx tx) {
            return tx.bind(third);
        }
    }
}
