package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.FixtureHooks;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.SettingSql;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TextEffect;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** One data source with all that was found out about it, once. */
final class Server {
    /** Plans are few; a program that makes options up at run time must not fill the memory with them. */
    private static final int MOST_PLANS = 1_000;

    final Source source;
    final Dialect dialect;
    final Profile profile;
    final Savepoints savepoints;
    /** How a lost commit is settled; null if it cannot be. */
    final @Nullable Settlement settlement;
    /** The rows by which it is; null where the server knows by itself. */
    final @Nullable Markers markers;
    /** How the schema of a session is put back; null where JDBC's getter is enough. */
    final @Nullable SettingSql schema;
    /** How it is asked whether it takes writes; null if nobody knows. */
    final @Nullable Replication replication;

    private final Wish.Target target;
    /** Whether commits tell their positions. */
    private boolean carriesPositions;

    private final Map<TxOptions, Planned> plans = new ConcurrentHashMap<>();
    private final Map<TxOptions, Prepared> prepared = new ConcurrentHashMap<>();

    private Server(Source source, Dialect dialect, Profile profile, Wish.Target target) {
        this.source = source;
        this.dialect = dialect;
        this.profile = profile;
        this.savepoints = new RememberedSavepoints(dialect.savepoints(profile));
        this.settlement = dialect.settlement(profile).orElse(null);
        this.markers = settlement == null || settlement.markers() == null ? null : new Markers(settlement.markers());
        this.schema = dialect.schema(profile).orElse(null);
        this.replication = dialect.replication(profile).orElse(null);
        this.target = target;
        dialect.lostAnswers(profile).ifPresent(lost -> source.watch(new Unanswered(profile.toString(), lost)));
    }

    /**
     * Takes a data source into use: asks its database once what it is.
     *
     * @param explicit the dialect to use; null to look for it
     * @throws TxException if the database cannot be reached, or no dialect or more than one fits
     */
    static Server of(DataSource dataSource, @Nullable Dialect explicit, Wish.Target target) {
        Source source = Source.of(dataSource);
        try {
            Lease probing = new Lease(source, dataSource.getConnection());
            try {
                Server server = asked(probing, explicit, target);
                probing.giveBack();
                return server;
            } catch (Throwable e) {
                probing.evict();
                throw e;
            }
        } catch (SQLException e) {
            throw new TxException(
                    "The data source " + dataSource + " gave no usable connection while Holdfast was being built ("
                            + e.getMessage() + "); check that the database runs and that URL, user and password are"
                            + " right",
                    null,
                    null,
                    e);
        }
    }

    /**
     * As {@link #of}, of a server that may keep nobody longer.
     *
     * @throws SQLException if it does not answer in time
     */
    static Server within(Deadline within, DataSource dataSource, Dialect explicit, Wish.Target target)
            throws SQLException, InterruptedException {
        Source source = Source.of(dataSource);
        Lease probing = Asking.lease(source, within);
        try {
            probing.answerTime().atMost(Duration.ofNanos(Math.max(1, within.left(System.nanoTime()))));
            Server server = asked(probing, explicit, target);
            probing.giveBack();
            return server;
        } catch (Throwable e) {
            probing.evict();
            throw e;
        }
    }

    private static Server asked(Lease probing, @Nullable Dialect explicit, Wish.Target target) throws SQLException {
        Identity named = Identity.of(probing.connection);
        Dialect dialect = explicit == null ? Dialects.find(named) : Dialects.checked(explicit, named);
        DriverState seen = dialect.port().state(probing.connection);
        Identity identity = named.driverAccess(
                        seen == DriverState.UNKNOWN ? Identity.DriverAccess.HIDDEN : Identity.DriverAccess.VISIBLE)
                .driverSettings(dialect.port().settings(probing.connection));
        probing.autocommit();
        probing.perform(dialect.probe(identity));
        return new Server(probing.source, dialect, dialect.profile(identity, new Answers(probing.slots())), target);
    }

    /** Has commits from now on tell their positions; before anything is prepared. */
    void carryPositions() {
        carriesPositions = true;
    }

    /** What a statement's text does to its transaction, as the dialect says. */
    TextEffect effectOf(String sql) {
        return dialect.effectOf(sql, profile);
    }

    /** Whether a connection is as it comes from the pool, as far as the driver tells. */
    boolean isAsFound(Connection connection) throws SQLException {
        return connection.getAutoCommit() == (profile.identity().autocommit() == Identity.Autocommit.ON)
                && !connection.isReadOnly();
    }

    /**
     * What is needed to run a transaction with these options; remembered, but for a test fixture's.
     *
     * @throws TxUnsupportedException if the database cannot do it
     */
    Prepared prepare(TxOptions options) {
        Prepared known = prepared.get(options);
        if (known == null) {
            known = prepareAnew(options);
            if (options.get(FixtureHooks.OPTION) != null) {
                return known; // for one test alone, of which nothing must stay in memory
            }
            if (prepared.size() >= MOST_PLANS) {
                prepared.clear(); // of labels made up at run time
            }
            prepared.put(options, known);
        }
        return known;
    }

    private Prepared prepareAnew(TxOptions options) {
        TxOptions key = options.serverSide();
        Planned planned = plans.get(key);
        if (planned == null) {
            try {
                planned = plan(key);
            } catch (TxUnsupportedException e) {
                throw e.label() == null && options.label() != null
                        ? new TxUnsupportedException(String.valueOf(e.getMessage()), options.label())
                        : e;
            }
            if (plans.size() >= MOST_PLANS) {
                plans.clear();
            }
            plans.put(key, planned);
        }
        return new Prepared(this, options, planned.wish(), planned.plan());
    }

    /** A wish and what the dialect answered. */
    private record Planned(Wish wish, TxPlan plan) {}

    private Planned plan(TxOptions options) {
        for (TxOption<?> option : options.dialectOptions()) {
            if (!profile.options().contains(option)) {
                throw new TxUnsupportedException("Option " + option + " is unknown to " + profile + "; it takes "
                        + (profile.options().isEmpty()
                                ? "no options of its own"
                                : profile.options().stream().map(TxOption::name).collect(Collectors.joining(", "))));
            }
        }
        Wish wish = Wish.of(options).to(target);
        if (options.isVerifiable()) {
            wish = wish.carrying(settlement == null ? Wish.Carry.TX_ID : settlement.carry());
        }
        if (carriesPositions && options.access() != Access.READ_ONLY) {
            wish = wish.carrying(Wish.Carry.POSITION);
        }
        return new Planned(wish, dialect.plan(wish, profile));
    }
}
