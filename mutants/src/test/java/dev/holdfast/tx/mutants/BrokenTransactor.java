package dev.holdfast.tx.mutants;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.Work;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A good engine, to be broken in one place by a subclass; every handle that it gives out can be broken too. */
class BrokenTransactor implements Transactor {
    final Transactor good;
    private final UnaryOperator<Transactor> again;

    /**
     * Around a good one.
     *
     * @param again the same breakage around another good one
     */
    BrokenTransactor(Transactor good, UnaryOperator<Transactor> again) {
        this.good = good;
        this.again = again;
    }

    /** The handle that bodies get instead of the good one. */
    Tx handle(Tx tx) {
        return new BrokenTx(tx, this);
    }

    /** The handle that {@code begin} gives instead of the good one. */
    UnmanagedTx unmanaged(UnmanagedTx tx) {
        return new BrokenUnmanagedTx(tx, this);
    }

    @Override
    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
        return good.withConnection(body);
    }

    @Override
    public DataSource asDataSource() {
        return good.asDataSource();
    }

    @Override
    public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
        return good.transact(options, tx -> body.apply(handle(tx)));
    }

    @Override
    public CausalToken causalToken() {
        return good.causalToken();
    }

    @Override
    public @Nullable Failure classify(Throwable error) {
        return good.classify(error);
    }

    @Override
    public UnmanagedTx begin(TxOptions options) {
        return unmanaged(good.begin(options));
    }

    @Override
    public @Nullable Tx current() {
        Tx current = good.current();
        return current == null ? null : handle(current);
    }

    @Override
    public <T extends @Nullable Object> T outside(Work<T> work) {
        return good.outside(work);
    }

    @Override
    public <T extends @Nullable Object> T within(Tx tx, Work<T> work) {
        Tx real = tx instanceof BrokenTx broken ? broken.good : tx;
        return good.within(real, work);
    }

    @Override
    public Transactor withOptions(UnaryOperator<TxOptions> change) {
        return again.apply(good.withOptions(change));
    }

    @Override
    public String explain(TxOptions options) {
        return good.explain(options);
    }

    @Override
    public void close() {
        good.close();
    }
}
