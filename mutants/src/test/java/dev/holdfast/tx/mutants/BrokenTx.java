package dev.holdfast.tx.mutants;

import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import java.sql.Connection;
import java.util.Objects;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A good handle, to be broken in one place by a subclass. Equal to every other view of the same scope. */
class BrokenTx implements Tx {
    final Tx good;
    final BrokenTransactor owner;

    BrokenTx(Tx good, BrokenTransactor owner) {
        this.good = good;
        this.owner = owner;
    }

    @Override
    public Connection connection() {
        return good.connection();
    }

    @Override
    public Tx open() {
        good.open();
        return this;
    }

    @Override
    public TxOptions options() {
        return good.options();
    }

    @Override
    public boolean isActive() {
        return good.isActive();
    }

    @Override
    public boolean isRollbackOnly() {
        return good.isRollbackOnly();
    }

    @Override
    public void setRollbackOnly(String why) {
        good.setRollbackOnly(why);
    }

    @Override
    public <T extends @Nullable Object> T nested(TxBody<T> body) {
        return good.nested(tx -> body.apply(owner.handle(tx)));
    }

    @Override
    public String lock(RowLock lock, String template) {
        return good.lock(lock, template);
    }

    @Override
    public void beforeCommit(Hook hook) {
        good.beforeCommit(hook);
    }

    @Override
    public void afterCommit(Hook hook) {
        good.afterCommit(hook);
    }

    @Override
    public void afterRollback(Hook hook) {
        good.afterRollback(hook);
    }

    @Override
    public void afterCompletion(Consumer<? super Outcome> hook) {
        good.afterCompletion(hook);
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
        return good.transact(options, tx -> body.apply(owner.handle(tx)));
    }

    @Override
    public @Nullable Failure classify(Throwable error) {
        return good.classify(error);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof BrokenTx that ? good.equals(that.good) : good.equals(other);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(good);
    }

    @Override
    public String toString() {
        return "broken " + good;
    }
}
