package dev.holdfast.tx;

import dev.holdfast.tx.spi.FixtureHooks;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction must be. Immutable and sparse: an option that is absent means "leave the server alone" at the root
 * and "inherit" in a nested scope. Each wither answers a new value; {@link #overlay} is the only merge.
 *
 * <p>An option is applied or refused, never dropped: a database that cannot do it raises
 * {@link TxUnsupportedException} before anything is sent.
 */
public final class TxOptions {
    private static final TxOption<Isolation> ISOLATION = TxOption.of("isolation", Isolation.class);
    private static final TxOption<Access> ACCESS = TxOption.of("access", Access.class);
    private static final TxOption<Propagation> PROPAGATION = TxOption.of("propagation", Propagation.class);
    private static final TxOption<ConstraintChecking> CONSTRAINTS =
            TxOption.of("constraints", ConstraintChecking.class);
    private static final TxOption<BeginMode> BEGIN_MODE = TxOption.of("beginMode", BeginMode.class);
    private static final TxOption<Completion> COMPLETION = TxOption.of("completion", Completion.class);
    private static final TxOption<Duration> ACQUIRE_TIMEOUT = TxOption.of("acquireTimeout", Duration.class);
    private static final TxOption<Duration> LOCK_TIMEOUT = TxOption.of("lockTimeout", Duration.class);
    private static final TxOption<Duration> STATEMENT_TIMEOUT = TxOption.of("statementTimeout", Duration.class);
    private static final TxOption<Duration> WHOLE_TIMEOUT = TxOption.of("wholeTimeout", Duration.class);
    private static final TxOption<RetryPolicy> RETRY = TxOption.of("retry", RetryPolicy.class);
    private static final TxOption<Reads> READS = TxOption.of("reads", Reads.class);
    private static final TxOption<String> LABEL = TxOption.of("label", String.class, label -> !label.isBlank());
    private static final TxOption<Boolean> LABEL_IN_SQL = TxOption.of("labelInSql", Boolean.class);
    private static final TxOption<Boolean> VERIFIABLE = TxOption.of("verifiable", Boolean.class);

    private static final Set<TxOption<?>> OWN = Set.of(
            ISOLATION,
            ACCESS,
            PROPAGATION,
            CONSTRAINTS,
            BEGIN_MODE,
            COMPLETION,
            ACQUIRE_TIMEOUT,
            LOCK_TIMEOUT,
            STATEMENT_TIMEOUT,
            WHOLE_TIMEOUT,
            RETRY,
            READS,
            LABEL,
            LABEL_IN_SQL,
            VERIFIABLE,
            FixtureHooks.OPTION);

    /** What the engine carries out by itself. */
    private static final Set<TxOption<?>> ENGINE_ONLY =
            Set.of(PROPAGATION, COMPLETION, ACQUIRE_TIMEOUT, RETRY, READS, LABEL, LABEL_IN_SQL, FixtureHooks.OPTION);

    private static final TxOptions NONE = new TxOptions(Map.of());

    private final Map<TxOption<?>, Object> values;
    private final int hash;

    private TxOptions(Map<TxOption<?>, Object> values) {
        this.values = values;
        this.hash = values.hashCode();
    }

    /** No option at all: the identity of {@link #overlay}. */
    public static TxOptions none() {
        return NONE;
    }

    /** One isolation level and nothing else. */
    public static TxOptions of(Isolation level) {
        return NONE.isolation(level);
    }

    /**
     * These options with the given ones on top: where both say something, the given ones win. Associative.
     *
     * @param over the options that win
     */
    public TxOptions overlay(TxOptions over) {
        if (over.values.isEmpty()) {
            return this;
        }
        if (values.isEmpty()) {
            return over;
        }
        Map<TxOption<?>, Object> merged = new LinkedHashMap<>(values);
        merged.putAll(over.values);
        return new TxOptions(Collections.unmodifiableMap(merged));
    }

    /** The isolation level asked for; null for the server's default. */
    public @Nullable Isolation isolation() {
        return get(ISOLATION);
    }

    /** With this isolation level. */
    public TxOptions isolation(Isolation level) {
        return with(ISOLATION, level);
    }

    /** Whether the transaction may write; null if not said. */
    public @Nullable Access access() {
        return get(ACCESS);
    }

    /** With this access. */
    public TxOptions access(Access access) {
        return with(ACCESS, access);
    }

    /** {@link Access#READ_ONLY}: enforced by the server, or refused. */
    public TxOptions readOnly() {
        return access(Access.READ_ONLY);
    }

    /** {@link Access#READ_ONLY_HINT}: for routing only. */
    public TxOptions readOnlyHint() {
        return access(Access.READ_ONLY_HINT);
    }

    /** {@link Access#READ_WRITE}. */
    public TxOptions readWrite() {
        return access(Access.READ_WRITE);
    }

    /** How the scope relates to a running transaction; null for the default of the {@link Transactor}. */
    public @Nullable Propagation propagation() {
        return get(PROPAGATION);
    }

    /** With this propagation. */
    public TxOptions propagation(Propagation propagation) {
        return with(PROPAGATION, propagation);
    }

    /** When deferrable constraints are checked; null for what each constraint declares. */
    public @Nullable ConstraintChecking constraints() {
        return get(CONSTRAINTS);
    }

    /**
     * Deferrable constraints are checked at COMMIT.
     *
     * @param names the constraints meant, as the catalog spells them; none for all
     */
    public TxOptions deferConstraints(String... names) {
        return with(CONSTRAINTS, new ConstraintChecking(ConstraintChecking.Timing.DEFERRED, List.of(names)));
    }

    /**
     * Deferrable constraints are checked after each statement.
     *
     * @param names the constraints meant, as the catalog spells them; none for all
     */
    public TxOptions checkConstraintsImmediately(String... names) {
        return with(CONSTRAINTS, new ConstraintChecking(ConstraintChecking.Timing.IMMEDIATE, List.of(names)));
    }

    /** How SQLite begins; null for the dialect's choice. */
    public @Nullable BeginMode beginMode() {
        return get(BEGIN_MODE);
    }

    /** With this begin mode (SQLite). */
    public TxOptions beginMode(BeginMode mode) {
        return with(BEGIN_MODE, mode);
    }

    /** What a transaction that ran well ends with; null for {@link Completion#COMMIT}. */
    public @Nullable Completion completion() {
        return get(COMPLETION);
    }

    /** With this completion. */
    public TxOptions completion(Completion completion) {
        return with(COMPLETION, completion);
    }

    /** {@link Completion#ROLLBACK}: the work is done, the value returned, and everything rolled back. */
    public TxOptions forceRollback() {
        return completion(Completion.ROLLBACK);
    }

    /** How long to wait for a connection; null for the pool's own limit. */
    public @Nullable Duration acquireTimeout() {
        return get(ACQUIRE_TIMEOUT);
    }

    /** With this limit on waiting for a connection. */
    public TxOptions acquireTimeout(Duration limit) {
        return with(ACQUIRE_TIMEOUT, Durations.requirePositive("acquireTimeout", limit));
    }

    /** How long a statement may wait for a lock; null for the server's setting. */
    public @Nullable Duration lockTimeout() {
        return get(LOCK_TIMEOUT);
    }

    /** With this limit on waiting for a lock, set on the server for this transaction only. */
    public TxOptions lockTimeout(Duration limit) {
        return with(LOCK_TIMEOUT, Durations.requirePositive("lockTimeout", limit));
    }

    /** How long one statement may take; null for the server's setting. */
    public @Nullable Duration statementTimeout() {
        return get(STATEMENT_TIMEOUT);
    }

    /**
     * With this limit on each statement; one that runs longer is cancelled on the server, and if that answers nothing for a
     * second more, its connection is lost. One that is answered later than that counts as ended by it, whatever the answer
     * says, and its scope is rolled back.
     */
    public TxOptions statementTimeout(Duration limit) {
        return with(STATEMENT_TIMEOUT, Durations.requirePositive("statementTimeout", limit));
    }

    /** How long acquiring, all attempts, the body and beforeCommit hooks may take together; null for no limit. */
    public @Nullable Duration wholeTimeout() {
        return get(WHOLE_TIMEOUT);
    }

    /**
     * With this limit on the whole. COMMIT, ROLLBACK and the hooks after them are never cut short by it; a server that does not
     * answer them is waited for as long as {@code Holdfast.Builder.endWithin} says. Where the server can, it ends the
     * transaction by itself soon after the limit, should the client have gone.
     */
    public TxOptions wholeTimeout(Duration limit) {
        return with(WHOLE_TIMEOUT, Durations.requirePositive("wholeTimeout", limit));
    }

    /** When a failed transaction is run again; null for never. */
    public @Nullable RetryPolicy retry() {
        return get(RETRY);
    }

    /**
     * With this retry policy; refused in a scope that joins or nests. What the body does in SEPARATE transactions, or outside,
     * is done again with each attempt.
     */
    public TxOptions retry(RetryPolicy policy) {
        return with(RETRY, policy);
    }

    /** Where a read-only transaction may be sent; null for the default, see {@link Reads}. */
    public @Nullable Reads reads() {
        return get(READS);
    }

    /** With this rule for where to read; only together with read-only access. */
    public TxOptions reads(Reads reads) {
        return with(READS, reads);
    }

    /** The name in events and errors; null for none. */
    public @Nullable String label() {
        return get(LABEL);
    }

    /** With this name in events and errors. */
    public TxOptions label(String label) {
        return with(LABEL, label);
    }

    /** Whether statements carry the label. */
    public boolean isLabelInSql() {
        return Boolean.TRUE.equals(get(LABEL_IN_SQL));
    }

    /**
     * Each statement of the caller's ends with a comment that names the label, URL-encoded:
     * <code>/&#42;label='checkout'&#42;/</code>. Whoever looks at the server sees it. A call in JDBC's braces has none.
     *
     * <p>A driver keeps prepared statements by their text, so each label has its own: labels should be few.
     */
    public TxOptions labelInSql() {
        return with(LABEL_IN_SQL, Boolean.TRUE);
    }

    /** Whether a commit whose answer was lost must be settled afterwards. */
    public boolean isVerifiable() {
        return Boolean.TRUE.equals(get(VERIFIABLE));
    }

    /**
     * A commit whose answer was lost is settled: asked for on a fresh connection, instead of left unknown, where it can be found
     * out in time. Refused with READ_ONLY where it costs something. Some databases need a table for it: see
     * {@code Holdfast.markerTable}.
     */
    public TxOptions verifiable() {
        return with(VERIFIABLE, Boolean.TRUE);
    }

    /** The value of a dialect's own option; null if absent. */
    @SuppressWarnings("unchecked") // with() let in nothing else under this key
    public <T> @Nullable T get(TxOption<T> option) {
        return (T) values.get(option);
    }

    /**
     * With a dialect's own option.
     *
     * @throws IllegalArgumentException if the key does not take this value
     */
    public <T> TxOptions with(TxOption<T> option, T value) {
        Map<TxOption<?>, Object> changed = new LinkedHashMap<>(values);
        changed.put(option, option.check(value));
        return new TxOptions(Collections.unmodifiableMap(changed));
    }

    /** The keys of dialects' own options that are present. */
    public Set<TxOption<?>> dialectOptions() {
        if (OWN.containsAll(values.keySet())) {
            return Set.of();
        }
        Set<TxOption<?>> keys = new LinkedHashSet<>(values.keySet());
        keys.removeAll(OWN);
        return Collections.unmodifiableSet(keys);
    }

    /**
     * These options without those that never reach a database: propagation, completion, acquireTimeout, retry, reads,
     * label and labelInSql. What a dialect plans depends on the rest alone.
     */
    public TxOptions serverSide() {
        if (Collections.disjoint(values.keySet(), ENGINE_ONLY)) {
            return this;
        }
        Map<TxOption<?>, Object> kept = new LinkedHashMap<>(values);
        kept.keySet().removeAll(ENGINE_ONLY);
        return new TxOptions(Collections.unmodifiableMap(kept));
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other || (other instanceof TxOptions that && hash == that.hash && values.equals(that.values));
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        StringJoiner text = new StringJoiner(", ", "{", "}");
        values.forEach((option, value) -> text.add(option.name() + "=" + value));
        return text.toString();
    }
}
