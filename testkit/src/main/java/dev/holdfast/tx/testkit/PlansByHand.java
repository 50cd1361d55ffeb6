package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.testkit.fault.SessionSnapshot;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import javax.sql.DataSource;

/** Each plan of a dialect, carried out by hand on a plain session: with autocommit on and off, in each state. */
final class PlansByHand {
    private PlansByHand() {}

    /** One plan on one session. */
    private record Played(
            CaseRun run, TxOptions options, TxPlan plan, Connection session, String table, Autocommit autocommit) {
        ByHand hand() {
            return new ByHand(session);
        }

        boolean writes() {
            return options.access() != Access.READ_ONLY;
        }

        void execute(String sql) throws SQLException {
            try (Statement statement = session.createStatement()) {
                statement.execute(sql);
            }
        }

        /** Work that is undone with the transaction, and that a read-only one refuses. */
        void insert(int id) throws SQLException {
            execute("insert into " + table + " values (" + id + ", 0)");
        }

        SessionSnapshot look() throws SQLException {
            return SessionSnapshot.of(
                    session, run.database().dialect().port(), run.database().sessionQueries());
        }

        @Override
        public String toString() {
            return options + " with autocommit " + autocommit;
        }
    }

    /** What is done between two looks at the session. */
    @FunctionalInterface
    private interface Play {
        void with(Played played) throws SQLException;
    }

    static void commit(CaseRun run) throws SQLException {
        each(run, played -> {
            ByHand hand = played.hand();
            hand.perform(played.plan().begin());
            if (played.writes()) {
                played.insert(1);
            }
            hand.perform(played.plan().commit().message());
            equal(
                    played.writes() ? List.of(1) : List.of(),
                    run.ids(played.table()),
                    "rows committed by the plan for " + played);
        });
    }

    static void abortHalfBegun(CaseRun run) throws SQLException {
        each(run, played -> {
            SessionSnapshot before = played.look();
            for (int steps = 0; steps <= played.plan().begin().steps().size(); steps++) {
                ByHand hand = played.hand();
                hand.performFirst(steps, played.plan().begin());
                abortedTwice(hand, played);
                equal(
                        List.of(),
                        before.differencesTo(played.look()),
                        "left in the session after " + steps + " steps of the plan for " + played);
            }
        });
    }

    static void abortOpen(CaseRun run) throws SQLException {
        each(run, played -> {
            ByHand hand = played.hand();
            hand.perform(played.plan().begin());
            if (played.writes()) {
                played.insert(1);
            } else {
                played.execute("select id from " + played.table());
            }
            abortedTwice(hand, played);
            equal(List.of(), run.ids(played.table()), "rows left by the plan for " + played);
        });
    }

    static void abortFailed(CaseRun run) throws SQLException {
        each(run, played -> {
            ByHand hand = played.hand();
            hand.perform(played.plan().begin());
            if (played.writes()) {
                played.insert(1);
            }
            holds(
                    () -> thrownBy(() -> played.insert(1)) instanceof SQLException,
                    "an error to come back from: " + played);
            abortedTwice(hand, played);
            equal(List.of(), run.ids(played.table()), "rows left by the plan for " + played);
        });
    }

    static void abortEnded(CaseRun run) throws SQLException {
        each(run, played -> {
            ByHand hand = played.hand();
            hand.perform(played.plan().begin());
            if (played.writes()) {
                played.insert(1);
            }
            hand.perform(played.plan().commit().message());
            abortedTwice(hand, played);
            equal(
                    played.writes() ? List.of(1) : List.of(),
                    run.ids(played.table()),
                    "rows committed by the plan for " + played);
        });
    }

    /** The second time finds what the first has left, and changes nothing. */
    private static void abortedTwice(ByHand hand, Played played) throws SQLException {
        hand.perform(played.plan().abort());
        SessionSnapshot once = played.look();
        hand.perform(played.plan().abort());
        equal(List.of(), once.differencesTo(played.look()), "left by a second abort of the plan for " + played);
    }

    private static void each(CaseRun run, Play play) throws SQLException {
        Dialect dialect = run.database().dialect();
        String table = run.table();
        int plans = 0;
        for (Autocommit autocommit : Autocommit.values()) {
            DataSource sessions = run.sessions();
            DataSource found = Wrapped.with(DataSource.class, sessions, (method, answer) -> {
                if (answer instanceof Connection connection) {
                    connection.setAutoCommit(autocommit == Autocommit.ON);
                }
                return answer;
            });
            Profile profile = LiveProfile.asked(dialect, found).profile();
            try (Connection session = found.getConnection()) {
                for (TxOptions options : OptionSets.alone(profile)) {
                    TxPlan plan = OptionSets.planned(dialect, profile, options).orElse(null);
                    if (plan == null) {
                        continue; // a refusal is no plan; refusals have cases of their own
                    }
                    plans++;
                    Played played = new Played(run, options, plan, session, table, autocommit);
                    SessionSnapshot before = played.look();
                    play.with(played);
                    equal(
                            List.of(),
                            before.differencesTo(played.look()),
                            "left in the session by the plan for " + played);
                    run.observe("delete from " + table);
                }
                if (!session.getAutoCommit()) {
                    session.rollback(); // some drivers close no session in a transaction
                }
            }
        }
        run.note("plans", plans);
    }
}
