package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.testkit.ScopeTree.Scope;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Random trees of nested scopes, held against a model (NST-14). */
final class ScopeTreeCases {
    /** The seed of the first tree; the next ones follow it. {@code -Dholdfast.seed=…} runs the tree of a report again. */
    static final String SEED = "holdfast.seed";

    /** How many trees are run; 2000 unless said. */
    static final String TREES = "holdfast.trees";

    private static final int MOST_SHRINKING = 1_000;

    private ScopeTreeCases() {}

    static List<ConformanceCase> all() {
        return List.of(ConformanceCase.of(
                "NST-14",
                "TX-228",
                "random trees of scopes leave the rows, call the hooks and throw what the rules say",
                run -> {
                    Subject subject = new Subject(run);
                    long first = Long.getLong(SEED, 1);
                    long end = first + Integer.getInteger(TREES, 2_000);
                    for (long seed = first; seed < end; seed++) {
                        Scope tree = ScopeTreeSource.tree(seed, subject.database);
                        if (subject.difference(tree) != null) {
                            throw subject.report(seed, subject.shrunk(tree));
                        }
                    }
                }));
    }

    /** The database, and what the model must know of it. */
    private static final class Subject {
        private static final int DUPLICATE = 0;

        private final CaseRun run;
        private final Transactor db;
        private final String table;
        private final ScopeTreeModel.Database database;
        private int base;

        Subject(CaseRun run) throws SQLException {
            this.run = run;
            this.table = run.table();
            Profile typical = run.profile();
            boolean rereads = typical.defaultIsolation() == Isolation.REPEATABLE_READ
                    || typical.defaultIsolation() == Isolation.SNAPSHOT;
            // a scope of its own and a read outside may be opened at each depth
            int connections = ScopeTreeSource.DEEPEST + 2;
            this.db = run.transactor(
                    EngineSetup.on(run.pool(run.database().sessions(), connections, Identity.Autocommit.ON))
                            .with(rereads ? TxOptions.of(Isolation.READ_COMMITTED) : TxOptions.none()));
            Sql.insert(db, table, DUPLICATE);
            @Nullable Failure[] duplicate = new @Nullable Failure[1];
            boolean[] stopped = new boolean[1];
            Facts.thrownBy(() -> db.execute(tx -> {
                Throwable thrown = Facts.thrownBy(() -> Sql.insert(tx, table, DUPLICATE));
                duplicate[0] = thrown == null ? null : tx.classify(thrown);
                stopped[0] = tx.isRollbackOnly();
            }));
            if (duplicate[0] == null) {
                throw new AssertionError("a duplicate key is no error here");
            }
            this.database = new ScopeTreeModel.Database(
                    typical.has(Feature.SAVEPOINTS),
                    typical.has(Feature.SINGLE_WRITER),
                    readersWait(),
                    duplicate[0].kind().toString(),
                    effect(duplicate[0].effect(), stopped[0]));
        }

        private static FailureEffect effect(FailureEffect said, boolean stopped) {
            return said != FailureEffect.ASK ? said : stopped ? FailureEffect.DOOMED : FailureEffect.NONE;
        }

        private boolean readersWait() throws SQLException {
            try (Connection writer = run.database().sessions().getConnection();
                    Connection reader = run.database().sessions().getConnection();
                    Statement write = writer.createStatement();
                    Statement read = reader.createStatement()) {
                writer.setAutoCommit(false);
                try {
                    write.execute("insert into " + table + " (id, v) values (-1, 0)");
                    read.setQueryTimeout(1);
                    try (ResultSet rows = read.executeQuery("select id from " + table)) {
                        while (rows.next()) {
                            rows.getInt(1); // some take no lock before a row is fetched
                        }
                    }
                    return false;
                } catch (SQLException waited) {
                    return true;
                } finally {
                    writer.rollback();
                    writer.setAutoCommit(true);
                }
            }
        }

        /** What the model says and what was seen instead; null if they agree. */
        @Nullable
        List<List<String>> difference(Scope tree) throws Exception {
            base += ScopeTreeRun.IDS;
            List<String> expected = new ScopeTreeModel(database).run(tree);
            ScopeTreeRun trial = new ScopeTreeRun(db, table, DUPLICATE, base);
            List<String> seen = new ArrayList<>(trial.run(tree));
            seen.add("rows " + trial.rows(run::observed));
            return expected.equals(seen) ? null : List.of(expected, seen);
        }

        /** The smallest tree found that still differs. */
        Scope shrunk(Scope tree) throws Exception {
            Scope smallest = tree;
            int tried = 0;
            boolean progress = true;
            while (progress && tried < MOST_SHRINKING) {
                progress = false;
                for (Scope smaller : smallest.smaller()) {
                    tried++;
                    if (difference(smaller) != null) {
                        smallest = smaller;
                        progress = true;
                        break;
                    }
                }
            }
            return smallest;
        }

        AssertionError report(long seed, Scope tree) throws Exception {
            List<List<String>> difference = difference(tree);
            String text = difference == null
                    ? "which differed once, and agrees when it is run again"
                    : "of which the rules say\n  " + String.join("\n  ", difference.get(0)) + "\nand that did\n  "
                            + String.join("\n  ", difference.get(1));
            return new AssertionError("Tree " + seed + " on " + run.database().name() + " (-D" + SEED + "=" + seed
                    + " runs it again), made smaller:\n" + tree + "\n" + text);
        }
    }
}
