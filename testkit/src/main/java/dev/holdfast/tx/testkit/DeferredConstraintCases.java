package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** When deferrable constraints are checked (CON). Foreign keys show it, being what most databases can defer. */
final class DeferredConstraintCases {
    private static final TxOptions DEFERRED = TxOptions.none().deferConstraints();
    private static final TxOptions IMMEDIATE = TxOptions.none().checkConstraintsImmediately();

    private DeferredConstraintCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "CON-07a",
                        "TX-805",
                        "a deferred constraint may be broken on the way, if it holds at commit",
                        Feature.DEFERRED_CONSTRAINTS,
                        run -> {
                            Family family = Family.of(run, "initially immediate");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            family.isCheckedAtOnce(db, TxOptions.none());
                            db.execute(DEFERRED, tx -> {
                                family.child(tx, 1);
                                family.parent(tx, 1);
                            });
                            equal(List.of(1), run.ids(family.child()), "children");
                            // the next transaction on the connection has it checked at once again
                            family.isCheckedAtOnce(db, TxOptions.none());
                        }),
                ConformanceCase.of(
                        "CON-07b",
                        "TX-805",
                        "of two constraints only the one that is named is deferred",
                        Needs.of(Feature.DEFERRED_CONSTRAINTS, Feature.NAMED_CONSTRAINTS),
                        run -> {
                            Family deferred = Family.of(run, "initially immediate");
                            Family other = Family.of(run, "initially immediate");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            TxOptions named = TxOptions.none().deferConstraints(deferred.name(run));
                            db.execute(named, tx -> {
                                deferred.child(tx, 1);
                                deferred.parent(tx, 1);
                            });
                            equal(List.of(1), run.ids(deferred.child()), "children");
                            other.isCheckedAtOnce(db, named);
                        }),
                ConformanceCase.of(
                        "CON-08",
                        "TX-805",
                        "a deferred constraint that does not hold at commit is told as an immediate one would be",
                        Feature.DEFERRED_CONSTRAINTS,
                        run -> {
                            Family family = Family.of(run, "initially immediate");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            family.isRefusedAtCommit(run, db, DEFERRED);
                        }),
                ConformanceCase.of(
                        "CON-13a",
                        "TX-806",
                        "a constraint that is declared deferred is checked at once where that is asked for",
                        Feature.IMMEDIATE_CONSTRAINTS,
                        run -> {
                            Family family = Family.of(run, "initially deferred");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            family.isRefusedAtCommit(run, db, TxOptions.none());
                            family.isCheckedAtOnce(db, IMMEDIATE);
                            family.isRefusedAtCommit(run, db, TxOptions.none());
                        }),
                ConformanceCase.of(
                        "CON-13b",
                        "TX-806",
                        "of two constraints only the one that is named is checked at once",
                        Needs.of(Feature.IMMEDIATE_CONSTRAINTS, Feature.NAMED_CONSTRAINTS),
                        run -> {
                            Family named = Family.of(run, "initially deferred");
                            Family other = Family.of(run, "initially deferred");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            TxOptions options = TxOptions.none().checkConstraintsImmediately(named.name(run));
                            named.isCheckedAtOnce(db, options);
                            other.isRefusedAtCommit(run, db, options);
                        }));
    }

    /** Two tables, the second with a foreign key to the first. */
    private record Family(String parent, String child) {
        /** Makes them, the standard's way or, where that is not taken, with a key that the database defers without a word. */
        static Family of(CaseRun run, String initially) throws SQLException {
            String parent = run.table();
            String key = "id int primary key, parent int not null, foreign key (parent) references " + parent + " (id)";
            List<SQLException> refused = new ArrayList<>();
            for (String clause : List.of(" deferrable " + initially, "")) {
                try {
                    String child = run.table(key + clause);
                    run.note("foreign key", clause.isEmpty() ? "without a word" : clause.trim());
                    return new Family(parent, child);
                } catch (SQLException e) {
                    refused.add(e);
                }
            }
            throw new Untested("no way to make a deferrable foreign key: " + refused);
        }

        /** The name that the catalog has for the key. */
        String name(CaseRun run) throws SQLException {
            try (Connection session = run.database().sessions().getConnection()) {
                for (String table : List.of(child, child.toUpperCase(Locale.ROOT))) {
                    try (ResultSet keys =
                            session.getMetaData().getImportedKeys(session.getCatalog(), session.getSchema(), table)) {
                        String name = keys.next() ? keys.getString("FK_NAME") : null;
                        if (name != null) {
                            return name;
                        }
                    }
                }
            }
            throw new Untested("the driver does not tell the name of a foreign key");
        }

        void parent(Tx tx, int id) throws SQLException {
            update(tx, "insert into " + parent + " (id, v) values (?, 0)", id);
        }

        void child(Tx tx, int id) throws SQLException {
            update(tx, "insert into " + child + " (id, parent) values (?, ?)", id, id);
        }

        /** A child without a parent is refused by its own statement. */
        void isCheckedAtOnce(Transactor db, TxOptions options) {
            AtomicReference<@Nullable Throwable> raised = new AtomicReference<>();
            IllegalStateException undo = new IllegalStateException("undo");
            Throwable told = thrownBy(() -> db.execute(options, tx -> {
                raised.set(thrownBy(() -> child(tx, 99)));
                throw undo;
            }));
            equal(undo, told, "what the caller is told");
            equal(FailureKind.FOREIGN_KEY, kind(db, raised.get()), "the kind of the statement's error");
        }

        /** A child without a parent is taken, and refused at commit; the connection serves the next. */
        void isRefusedAtCommit(CaseRun run, Transactor db, TxOptions options) throws SQLException {
            AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
            List<String> fired = new ArrayList<>();
            AtomicReference<@Nullable Throwable> raised = new AtomicReference<>();
            TxRolledBackException told = throwing(
                    TxRolledBackException.class,
                    () -> db.execute(options, tx -> {
                        tx.afterCommit(() -> fired.add("commit"));
                        tx.afterCompletion(outcome::set);
                        raised.set(thrownBy(() -> child(tx, 99)));
                    }));
            equal(null, raised.get(), "what the statement raised");
            equal(FailureKind.FOREIGN_KEY, kind(db, told), "the kind of what the caller is told");
            equal(Outcome.Reason.COMMIT_REFUSED, told.outcome().reason(), "the reason told");
            holds(() -> outcome.get() instanceof Outcome.RolledBack, "told as rolled back: " + outcome.get());
            equal(List.of(), fired, "hooks for a commit");
            List<Integer> children = run.ids(child);
            holds(() -> !children.contains(99), "nothing of it is there: " + children);
            int next = 1 + children.size();
            db.execute(options, tx -> {
                parent(tx, next);
                child(tx, next);
            });
            holds(() -> ids(run).contains(next), "the next transaction on the connection commits");
        }

        private List<Integer> ids(CaseRun run) {
            try {
                return run.ids(child);
            } catch (SQLException e) {
                throw Facts.sneaky(e);
            }
        }

        private static @Nullable FailureKind kind(Transactor db, @Nullable Throwable error) {
            Failure failure = error == null ? null : db.classify(error);
            return failure == null ? null : failure.kind();
        }
    }
}
