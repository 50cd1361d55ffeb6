package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.thrownBy;

import dev.holdfast.tx.spi.Feature;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** What a database could do besides what its dialect declares (DCL-03). */
final class UndeclaredCase {
    /** What a database lets a plain session do, as far as portable statements and JDBC show it. */
    private record Probe(Feature feature, Attempt attempt) {
        /** Something done in a transaction of its own. */
        @FunctionalInterface
        interface Attempt {
            /** Whether it was done, and had its effect; any error says no. */
            boolean works(CaseRun run, Connection session, String table) throws SQLException;
        }
    }

    private static final List<Probe> PROBES = List.of(
            new Probe(Feature.SAVEPOINTS, (run, session, table) -> {
                Savepoint savepoint = session.setSavepoint("hf_probe");
                DeclarationCases.execute(session, "insert into " + table + " values (2, 0)");
                session.rollback(savepoint);
                return count(session, table) == 1;
            }),
            new Probe(Feature.SAVEPOINT_RELEASE, (run, session, table) -> {
                session.releaseSavepoint(session.setSavepoint("hf_probe"));
                return true;
            }),
            new Probe(Feature.READ_ONLY, (run, session, table) -> {
                session.rollback();
                session.setReadOnly(true);
                return thrownBy(() -> DeclarationCases.execute(session, "insert into " + table + " values (2, 0)"))
                        != null;
            }),
            new Probe(Feature.TRANSACTIONAL_DDL, (run, session, table) -> isTransactional(run, session)),
            selects(Feature.LOCK_UPDATE, "for update"),
            selects(Feature.LOCK_NO_WAIT, "for update nowait"),
            selects(Feature.LOCK_SKIP_LOCKED, "for update skip locked"),
            new Probe(
                    Feature.DEFERRED_CONSTRAINTS,
                    (run, session, table) -> executed(session, "set constraints all deferred")),
            new Probe(
                    Feature.IMMEDIATE_CONSTRAINTS,
                    (run, session, table) -> executed(session, "set constraints all immediate")));

    private static Probe selects(Feature feature, String ending) {
        return new Probe(
                feature,
                (run, session, table) -> executed(session, "select id from " + table + " where id = 1 " + ending));
    }

    private UndeclaredCase() {}

    static ConformanceCase undeclared() {
        return ConformanceCase.of(
                "DCL-03",
                "TX-1305",
                "what the database takes and the dialect does not declare is in the report",
                run -> {
                    String table = run.table();
                    run.observe("insert into " + table + " values (1, 0)");
                    List<Feature> takes = new ArrayList<>();
                    for (Probe probe : PROBES) {
                        try (Connection session = run.sessions().getConnection()) {
                            session.setAutoCommit(false);
                            if (works(probe, run, session, table)) {
                                takes.add(probe.feature());
                            }
                            thrownBy(session::rollback);
                        }
                    }
                    run.note("taken by a plain session", takes);
                    for (Feature feature : takes) {
                        if (!run.has(feature)) {
                            run.note("not declared: " + feature, "a plain session takes it; declare it if it is kept");
                        }
                    }
                    equal(List.of(1), run.ids(table), "rows after the probes");
                    run.characterised();
                });
    }

    private static boolean works(Probe probe, CaseRun run, Connection session, String table) {
        try {
            return probe.attempt().works(run, session, table);
        } catch (SQLException no) {
            return false;
        }
    }

    static boolean isTransactional(CaseRun run, Connection session) throws SQLException {
        String made = "hf_ddl_probe";
        thrownBy(() -> run.observe("drop table " + made));
        DeclarationCases.execute(session, "create table " + made + " (id int primary key)");
        session.rollback();
        boolean gone = thrownBy(() -> run.observed("select id from " + made)) != null;
        if (!gone) {
            run.observe("drop table " + made);
        }
        return gone;
    }

    private static boolean executed(Connection session, String sql) throws SQLException {
        DeclarationCases.execute(session, sql);
        return true;
    }

    private static int count(Connection session, String table) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery("select count(*) from " + table)) {
            return row.next() ? row.getInt(1) : -1;
        }
    }
}
