package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.SettingSql;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Optional;

/** The dialect, all of it; to be made wrong in one place. */
class AlteredPostgres implements Dialect {
    private final Dialect real = new PostgresDialect();

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public int spiLevel() {
        return real.spiLevel();
    }

    @Override
    public Match accepts(Identity identity) {
        return real.accepts(identity);
    }

    @Override
    public Message probe(Identity identity) {
        return real.probe(identity);
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return real.profile(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return real.typicalProfile();
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        return real.plan(wish, profile);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return real.savepoints(profile);
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        return real.lock(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return real.classify(error, moment, profile);
    }

    @Override
    public DriverPort port() {
        return real.port();
    }

    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return real.settlement(profile);
    }

    @Override
    public Message beforeUnwrap(Profile profile) {
        return real.beforeUnwrap(profile);
    }

    @Override
    public Optional<SettingSql> schema(Profile profile) {
        return real.schema(profile);
    }

    @Override
    public TestHooks testHooks(Profile profile) {
        return real.testHooks(profile);
    }

    /** A profile that claims another model for a level, and for those that are given as the same. */
    static Profile claiming(Profile profile, Isolation level, IsolationModel model) {
        Profile.Builder claims = Profile.of(profile.identity(), profile.flavour())
                .version(profile.major(), profile.minor())
                .defaultIsolation(profile.defaultIsolation())
                .features(profile.features().toArray(new Feature[0]));
        profile.levels().forEach((asked, given) -> {
            boolean isSame = given.equals(profile.levels().get(level));
            claims.level(asked, given.nativeName(), isSame ? model : given.model());
        });
        profile.options().forEach((TxOption<?> option) -> claims.option(option));
        profile.facts().forEach(claims::fact);
        return claims.build();
    }
}
