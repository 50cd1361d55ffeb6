package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.LostAnswers;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.SettingSql;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Standing;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TextEffect;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Optional;

/** A good dialect, to be broken in one place by a subclass. */
class BrokenDialect implements Dialect {
    final Dialect good;

    BrokenDialect(Dialect good) {
        this.good = good;
    }

    @Override
    public String name() {
        return good.name();
    }

    @Override
    public int spiLevel() {
        return good.spiLevel();
    }

    @Override
    public Match accepts(Identity identity) {
        return good.accepts(identity);
    }

    @Override
    public Optional<PoolAdvice> advise(String url) {
        return good.advise(url);
    }

    @Override
    public Message probe(Identity identity) {
        return good.probe(identity);
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return good.profile(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return good.typicalProfile();
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        return good.plan(wish, profile);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return good.savepoints(profile);
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        return good.lock(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return good.classify(error, moment, profile);
    }

    @Override
    public DriverPort port() {
        return good.port();
    }

    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return good.settlement(profile);
    }

    @Override
    public Optional<LostAnswers> lostAnswers(Profile profile) {
        return good.lostAnswers(profile);
    }

    @Override
    public Optional<Replication> replication(Profile profile) {
        return good.replication(profile);
    }

    @Override
    public Message beforeUnwrap(Profile profile) {
        return good.beforeUnwrap(profile);
    }

    @Override
    public Optional<SettingSql> schema(Profile profile) {
        return good.schema(profile);
    }

    @Override
    public TextEffect effectOf(String sql, Profile profile) {
        return good.effectOf(sql, profile);
    }

    @Override
    public Optional<Standing> standing(Profile profile) {
        return good.standing(profile);
    }

    @Override
    public TestHooks testHooks(Profile profile) {
        return good.testHooks(profile);
    }
}
