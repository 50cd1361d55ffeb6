package dev.holdfast.tx.engine;

import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.internal.Assembly;
import dev.holdfast.tx.engine.internal.Dialects;
import dev.holdfast.tx.engine.internal.Setup;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Where a program starts: makes a {@link Transactor} for a URL or for a data source. */
public final class Holdfast {
    private Holdfast() {}

    /**
     * Opens pools for a database, as its dialect advises, and asks it once what it is.
     *
     * @param url a JDBC URL; what its parameters say wins over the dialect's advice
     * @throws IllegalArgumentException if the URL is malformed
     * @throws TxUnsupportedException if no dialect knows the URL, naming the artifact to add
     * @throws TxException if the database cannot be reached
     */
    public static Transactor connect(String url) {
        return builder(url).build();
    }

    /**
     * As {@link #connect(String)}, with a user and a password.
     *
     * @param user the user
     * @param password the password
     */
    public static Transactor connect(String url, String user, String password) {
        return builder(url).credentials(user, password).build();
    }

    /**
     * Starts a transactor on pools that it opens itself, as the dialect of the URL advises.
     *
     * @param url a JDBC URL; what its parameters say wins over the dialect's advice
     */
    public static Builder builder(String url) {
        return new Builder(Objects.requireNonNull(url, "url"), null);
    }

    /**
     * Starts a transactor on a data source of the caller's: any pool, with autocommit on or off. HikariCP tells how many
     * connections it has and how to throw one away; any other is asked to {@code abort} and close it.
     */
    public static Builder builder(DataSource dataSource) {
        return new Builder(null, Objects.requireNonNull(dataSource, "dataSource"));
    }

    /**
     * The dialects on the class or module path.
     *
     * @throws TxException if one cannot be loaded
     */
    public static List<Dialect> dialects() {
        return Dialects.all();
    }

    /**
     * What the newest server of a dialect would be sent for these options; needs no server.
     *
     * @throws TxUnsupportedException if it cannot do it
     */
    public static String explain(Dialect dialect, TxOptions options) {
        Profile profile = dialect.typicalProfile();
        Wish.Carry carry = dialect.settlement(profile).map(Settlement::carry).orElse(Wish.Carry.TX_ID);
        Wish wish = options.isVerifiable() ? Wish.of(options).carrying(carry) : Wish.of(options);
        return profile.server() + " " + options + "\n"
                + dialect.plan(wish, profile).describe();
    }

    /**
     * The statement that makes the table by which lost commits of {@link TxOptions#verifiable()} transactions are settled; empty
     * where none is needed, because the server knows by itself, or nothing can be settled. Run it once, in the database that
     * the transactor connects to, as a user who may.
     *
     * <p>The table keeps a row of each transaction until a later one, or closing the transactor, deletes it. What was left by
     * programs that died, or by commits that failed, can be deleted when it is a day old: see its column {@code written}.
     */
    public static Optional<String> markerTable(Dialect dialect) {
        return dialect.settlement(dialect.typicalProfile())
                .map(Settlement::markers)
                .map(MarkerTable::ddl);
    }

    /** Collects what a transactor is made of. Not for sharing between threads; used once. */
    public static final class Builder {
        private final @Nullable String url;
        private final @Nullable DataSource dataSource;
        private final List<TxListener> listeners = new ArrayList<>();
        private @Nullable String user;
        private @Nullable String password;
        private @Nullable Dialect dialect;
        private TxOptions options = TxOptions.none();
        private Ambient ambient = Ambient.ON;
        private Duration patience = Duration.ofSeconds(10);
        private Duration settleWithin = Duration.ofSeconds(10);
        private Duration endWithin = Duration.ofSeconds(10);
        private Setup.@Nullable SeparatePool separatePool;
        private @Nullable Duration warnAfter;
        private final List<Setup.Follower> replicas = new ArrayList<>();
        private ReplicaPolicy policy = ReplicaPolicy.standard();

        private Builder(@Nullable String url, @Nullable DataSource dataSource) {
            this.url = url;
            this.dataSource = dataSource;
        }

        /**
         * Logs in with these.
         *
         * @throws IllegalStateException if a data source was given, which has its own
         */
        public Builder credentials(String name, String secret) {
            if (dataSource != null) {
                throw new IllegalStateException("The data source logs in by itself; give it the user and password");
            }
            this.user = Objects.requireNonNull(name, "name");
            this.password = Objects.requireNonNull(secret, "secret");
            return this;
        }

        /** Uses this dialect instead of looking for one. */
        public Builder dialect(Dialect chosen) {
            this.dialect = Objects.requireNonNull(chosen, "chosen");
            return this;
        }

        /** The options of roots that do not say otherwise; of them only the propagation applies to nested scopes. */
        public Builder options(TxOptions defaults) {
            this.options = Objects.requireNonNull(defaults, "defaults");
            return this;
        }

        /** Whether running transactions are found without being passed along; {@link Ambient#ON} unless said. */
        public Builder ambient(Ambient mode) {
            this.ambient = Objects.requireNonNull(mode, "mode");
            return this;
        }

        /** Tells this listener too. */
        public Builder listener(TxListener listener) {
            listeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * How long a thread waits for its turn on a connection that another one is using; 10 seconds unless said.
         *
         * @throws IllegalArgumentException unless positive
         */
        public Builder patience(Duration limit) {
            if (limit.isZero() || limit.isNegative()) {
                throw new IllegalArgumentException("patience must be longer than zero, not " + limit);
            }
            this.patience = limit;
            return this;
        }

        /**
         * How long a {@link TxOptions#verifiable()} commit whose answer was lost is asked for before it stays unknown; 10
         * seconds unless said. The caller waits as long.
         *
         * @throws IllegalArgumentException unless positive
         */
        public Builder settleWithin(Duration limit) {
            if (limit.isZero() || limit.isNegative()) {
                throw new IllegalArgumentException("settleWithin must be longer than zero, not " + limit);
            }
            this.settleWithin = limit;
            return this;
        }

        /**
         * How long the server may take to answer the COMMIT or the ROLLBACK of a transaction with a whole timeout, which are not
         * cut short by that, or the ROLLBACK for a caller who was cancelled; 10 seconds unless said. After it the connection is thrown away: what was to be rolled back is, and
         * what was to be committed is unknown, or settled. So a caller is answered within the whole timeout, this, and what
         * {@link #settleWithin} allows.
         *
         * @throws IllegalArgumentException unless positive
         */
        public Builder endWithin(Duration limit) {
            if (limit.isZero() || limit.isNegative()) {
                throw new IllegalArgumentException("endWithin must be longer than zero, not " + limit);
            }
            this.endWithin = limit;
            return this;
        }

        /**
         * Gives what is started inside a running scope on a connection of its own (SEPARATE, {@code begin}, what is done
         * {@code outside}) a pool of its own, on the same database. Without it, it takes a second connection of the pool that its caller
         * holds one of: many callers at a time can take all of them, and then wait for each other until somebody's limit
         * passes. What is started so inside of what was started so takes one more of this pool. What only reads and finds no
         * replica to read from takes the primary's pool all the same.
         *
         * @param pool to the same database, as the same user; not closed with the transactor
         */
        public Builder separatePool(DataSource pool) {
            this.separatePool = new Setup.SeparatePool(Objects.requireNonNull(pool, "pool"), 0);
            return this;
        }

        /**
         * As {@link #separatePool(DataSource)}, with a pool that is opened for the URL and closed with the transactor.
         *
         * @param size how many connections at the most
         * @throws IllegalArgumentException unless positive
         * @throws IllegalStateException if a data source was given, which cannot be opened again
         */
        public Builder separatePool(int size) {
            if (size < 1) {
                throw new IllegalArgumentException("A separate pool needs at least one connection, not " + size);
            }
            if (dataSource != null) {
                throw new IllegalStateException("A data source cannot be opened again; give separatePool a second one");
            }
            this.separatePool = new Setup.SeparatePool(null, size);
            return this;
        }

        /**
         * Watches over transactions: warns, in the log and by an event, of each that is open for longer, and of each whose
         * handle was lost before it was ended ({@link TxEvent.OpenTooLong}, {@link TxEvent.Leaked}). Off unless said, because
         * each transaction then takes down the stack that opened it.
         *
         * @throws IllegalArgumentException unless positive
         */
        public Builder warnAfter(Duration limit) {
            if (limit.isZero() || limit.isNegative()) {
                throw new IllegalArgumentException("warnAfter must be longer than zero, not " + limit);
            }
            this.warnAfter = limit;
            return this;
        }

        /**
         * Reads from this one, too: a server that follows the primary. Any number of them, each at its own pool, which is opened
         * as the dialect advises, with the primary's user and password. One that does not answer yet is read from when it does.
         *
         * @param replicaUrl a JDBC URL
         */
        public Builder replica(String replicaUrl) {
            replicas.add(new Setup.Follower(Objects.requireNonNull(replicaUrl, "replicaUrl"), null));
            return this;
        }

        /** As {@link #replica(String)}, on a data source of the caller's. */
        public Builder replica(DataSource replica) {
            replicas.add(new Setup.Follower(null, Objects.requireNonNull(replica, "replica")));
            return this;
        }

        /** How transactions that read are spread over the replicas; {@link ReplicaPolicy#standard()} unless said. */
        public Builder replicaPolicy(ReplicaPolicy spread) {
            this.policy = Objects.requireNonNull(spread, "spread");
            return this;
        }

        /**
         * Asks the database once what it is, and makes the transactor.
         *
         * @throws IllegalArgumentException if a URL is malformed
         * @throws TxUnsupportedException if no dialect fits, naming the artifact to add, or the default options cannot be
         *     had, or replicas were given and the database has none
         * @throws TxException if the database cannot be reached, or two dialects fit equally well, or a replica is one of
         *     another database
         */
        public Transactor build() {
            Setup setup = new Setup(
                    dialect,
                    options,
                    ambient,
                    listeners,
                    patience,
                    settleWithin,
                    endWithin,
                    separatePool,
                    warnAfter,
                    replicas,
                    policy);
            return url != null
                    ? Assembly.connect(url, user, password, setup)
                    : Assembly.on(Objects.requireNonNull(dataSource), setup);
        }
    }
}
