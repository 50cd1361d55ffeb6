package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * How a caller asks for a feature or an isolation level: by options, by a scope inside a transaction, or by a row lock.
 * What nobody can ask for has none.
 */
sealed interface Ask {
    /** What a refusal of this server must name, each of them; compared without case, blanks and punctuation. */
    List<String> words(Profile profile);

    /** Asks, and sees that it is given: the transaction runs and does what it should. */
    void isGiven(CaseRun run) throws Exception;

    /** How this feature is asked for. */
    static Ask of(Feature feature) {
        TxOptions none = TxOptions.none();
        Duration ages = Duration.ofMinutes(10);
        return switch (feature) {
            case SAVEPOINTS -> new ByScope(none);
            case READ_ONLY_SAVEPOINT -> new ByScope(none.readOnly());
            case READ_ONLY -> new ByOptions(none.readOnly(), "READ_ONLY");
            case DEFERRED_CONSTRAINTS -> new ByOptions(none.deferConstraints(), "constraint");
            case IMMEDIATE_CONSTRAINTS -> new ByOptions(none.checkConstraintsImmediately(), "constraint");
            case NAMED_CONSTRAINTS -> new ByName("hf_named_fk");
            case BEGIN_MODE -> new ByOptions(none.beginMode(BeginMode.IMMEDIATE), "begin mode");
            case LOCK_TIMEOUT -> new ByOptions(none.lockTimeout(ages), "lock timeout");
            case STATEMENT_TIMEOUT -> new ByOptions(none.statementTimeout(ages), "statement timeout");
            case VERIFIABLE -> new ByOptions(none.verifiable(), "verifiable");
            case LOCK_UPDATE -> new ByLock(RowLock.forUpdate(), "UPDATE");
            case LOCK_SHARE -> new ByLock(RowLock.forShare(), "SHARE");
            case LOCK_OF -> new ByLock(RowLock.forUpdate().of("hf_one"), "hf_one");
            case LOCK_NO_WAIT -> new ByLock(RowLock.forUpdate().noWait(), "NO_WAIT");
            case LOCK_SKIP_LOCKED -> new ByLock(RowLock.forUpdate().skipLocked(), "SKIP_LOCKED");
            case LOCK_WAIT_AT_MOST -> new ByLock(RowLock.forUpdate().waitAtMost(ages), "AT_MOST");
            case SAVEPOINT_RELEASE, TRANSACTIONAL_DDL, SINGLE_WRITER, REPLICAS, CAUSAL_READS ->
                throw new IllegalArgumentException(
                        feature + " cannot be asked for: a case shows both sides of it instead of needing it");
        };
    }

    /** Whether a caller can ask for it. */
    static boolean canAskFor(Feature feature) {
        return switch (feature) {
            case SAVEPOINT_RELEASE, TRANSACTIONAL_DDL, SINGLE_WRITER, REPLICAS, CAUSAL_READS -> false;
            default -> true;
        };
    }

    /** How this level is asked for. */
    static Ask of(Isolation level) {
        return new ByOptions(TxOptions.of(level), level.name());
    }

    /** By options of a root. */
    record ByOptions(TxOptions options, String word) implements Ask {
        @Override
        public List<String> words(Profile profile) {
            return List.of(word);
        }

        @Override
        public void isGiven(CaseRun run) throws Exception {
            String table = run.table();
            run.observe("insert into " + table + " values (1, 0)");
            Transactor db = run.transactor();
            holds(() -> !db.explain(options).isBlank(), "a plan of " + options + " can be shown");
            boolean reads = options.access() == Access.READ_ONLY;
            db.execute(options, tx -> {
                equal(List.of(1), ints(tx, "select id from " + table), "rows seen");
                if (!reads) {
                    insert(tx, table, 2);
                }
            });
            equal(reads ? List.of(1) : List.of(1, 2), run.ids(table), "committed rows");
        }
    }

    /** By options that name a constraint, which must be there to be named. */
    record ByName(String constraint) implements Ask {
        /** Where constraints can be checked at another time at all, it is the name that cannot be had. */
        @Override
        public List<String> words(Profile profile) {
            return profile.has(Feature.DEFERRED_CONSTRAINTS) || profile.has(Feature.IMMEDIATE_CONSTRAINTS)
                    ? List.of("constraint", constraint)
                    : List.of("constraint");
        }

        /** For what the database can do with a name at all, or for any if it can do nothing. */
        TxOptions options(CaseRun run, String name) {
            return run.has(Feature.DEFERRED_CONSTRAINTS) || !run.has(Feature.IMMEDIATE_CONSTRAINTS)
                    ? TxOptions.none().deferConstraints(name)
                    : TxOptions.none().checkConstraintsImmediately(name);
        }

        @Override
        public void isGiven(CaseRun run) throws Exception {
            String parent = run.table();
            String child = run.table("id int primary key, v int, constraint " + constraint
                    + " foreign key (v) references " + parent + " (id) deferrable initially immediate");
            run.observe("insert into " + parent + " values (0, 0)");
            Transactor db = run.transactor();
            db.execute(options(run, run.spelled(constraint)), tx -> insert(tx, child, 1));
            equal(List.of(1), run.ids(child), "committed rows");
        }
    }

    /** By a scope inside a transaction. */
    record ByScope(TxOptions options) implements Ask {
        /** Where nothing can be read-only, it is not the savepoint that is refused; and where there is none, it alone. */
        @Override
        public List<String> words(Profile profile) {
            if (options.access() != Access.READ_ONLY
                    || (profile.has(Feature.READ_ONLY) && !profile.has(Feature.SAVEPOINTS))) {
                return List.of("savepoint");
            }
            return profile.has(Feature.READ_ONLY) ? List.of("READ_ONLY", "savepoint") : List.of("READ_ONLY");
        }

        TxOptions asked() {
            return options.propagation(Propagation.SAVEPOINT);
        }

        @Override
        public void isGiven(CaseRun run) throws Exception {
            String table = run.table();
            Transactor db = run.transactor();
            boolean reads = options.access() == Access.READ_ONLY;
            db.execute(tx -> {
                insert(tx, table, 1);
                db.execute(asked(), nested -> {
                    equal(List.of(1), ints(nested, "select id from " + table), "rows seen");
                    if (!reads) {
                        insert(nested, table, 2);
                    }
                });
                insert(tx, table, 3);
            });
            equal(reads ? List.of(1, 3) : List.of(1, 2, 3), run.ids(table), "committed rows");
        }
    }

    /** By a row lock. */
    record ByLock(RowLock lock, String word) implements Ask {
        /** Where no row can be locked, it is not the way of locking that is refused. */
        @Override
        public List<String> words(Profile profile) {
            return profile.has(Feature.LOCK_UPDATE) ? List.of("lock", word) : List.of("lock");
        }

        /** As the transaction writes it into a select. */
        String in(Tx tx, String table) {
            return tx.lock(
                    lock, "select hf_one.id from " + table + " hf_one {table-lock:hf_one} where id = 1 {row-lock}");
        }

        @Override
        public void isGiven(CaseRun run) throws Exception {
            String table = run.table();
            run.observe("insert into " + table + " values (1, 0)");
            Transactor db = run.transactor();
            db.execute(tx -> {
                equal(List.of(1), locked(tx, table), "rows locked");
                insert(tx, table, 2);
            });
            equal(List.of(1, 2), run.ids(table), "committed rows");
        }

        private List<Integer> locked(Tx tx, String table) throws SQLException {
            return ints(tx, in(tx, table));
        }
    }
}
