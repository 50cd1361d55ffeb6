package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Locks.A;
import static dev.holdfast.tx.testkit.Locks.B;
import static dev.holdfast.tx.testkit.Locks.LIMIT;
import static dev.holdfast.tx.testkit.Locks.UPDATE;
import static dev.holdfast.tx.testkit.Locks.conductor;
import static dev.holdfast.tx.testkit.Locks.failed;
import static dev.holdfast.tx.testkit.Locks.given;
import static dev.holdfast.tx.testkit.Locks.keptOut;
import static dev.holdfast.tx.testkit.Locks.kind;
import static dev.holdfast.tx.testkit.Locks.locked;
import static dev.holdfast.tx.testkit.Locks.mustBeGiven;
import static dev.holdfast.tx.testkit.Locks.notes;
import static dev.holdfast.tx.testkit.Locks.options;
import static dev.holdfast.tx.testkit.Locks.set;
import static dev.holdfast.tx.testkit.Locks.timed;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.rollback;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** That one template serves every lock: on one table, on joins, in common table expressions (LCK). */
final class LockTemplateCases {
    private static final Needs OF = UPDATE.and(Feature.LOCK_OF);

    private LockTemplateCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "LCK-16",
                        "TX-712",
                        "a lock of one table of a join leaves the other table alone, or says that it does not",
                        UPDATE.and(Feature.LOCK_OF),
                        LockTemplateCases::ofTable),
                ConformanceCase.of(
                        "LCK-16b",
                        "TX-712",
                        "a lock of any strength of one table of a join leaves the other table alone, or says that it does not",
                        OF,
                        LockTemplateCases::ofTableInAnyStrength),
                ConformanceCase.of(
                        "LCK-25",
                        "TX-712",
                        "a lock that names no table locks the rows of all tables of a join",
                        OF,
                        LockTemplateCases::wholeJoin),
                ConformanceCase.of(
                        "LCK-26a",
                        "TX-712",
                        "a lock of one table of a join that must not wait fails for that table alone",
                        OF.and(Feature.LOCK_NO_WAIT).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::ofTableNoWait),
                ConformanceCase.of(
                        "LCK-26b",
                        "TX-712",
                        "a lock of one table of a join that skips leaves out what is locked of that table alone",
                        OF.and(Feature.LOCK_SKIP_LOCKED).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::ofTableSkipping),
                ConformanceCase.of(
                        "LCK-26c",
                        "TX-712",
                        "a lock of one table of a join that waits for a limited time waits for that table alone",
                        OF.and(Feature.LOCK_WAIT_AT_MOST).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::ofTableWaiting),
                ConformanceCase.of(
                        "LCK-27",
                        "TX-712",
                        "of a table that is joined with itself, a lock can be of the rows of one side",
                        OF,
                        LockTemplateCases::ofOneSide),
                ConformanceCase.of(
                        "LCK-28a",
                        "TX-715",
                        "a lock of any strength in a common table expression is kept, where there are such",
                        UPDATE,
                        LockTemplateCases::inExpression),
                ConformanceCase.of(
                        "LCK-28b",
                        "TX-715",
                        "a lock of a table that is joined with a common table expression is kept, where there are such",
                        UPDATE,
                        LockTemplateCases::besideExpression),
                ConformanceCase.of(
                        "LCK-28c",
                        "TX-715",
                        "in a common table expression a lock that must not wait does not, where there are such",
                        UPDATE.and(Feature.LOCK_NO_WAIT).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::inExpressionNoWait),
                ConformanceCase.of(
                        "LCK-28d",
                        "TX-715",
                        "in a common table expression a lock that skips takes the rest, where there are such",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::inExpressionSkipping),
                ConformanceCase.of(
                        "LCK-28e",
                        "TX-715",
                        "in a common table expression a lock waits for its limited time, where there are such",
                        UPDATE.and(Feature.LOCK_WAIT_AT_MOST).and(Means.CONCURRENT_WRITERS),
                        LockTemplateCases::inExpressionWaiting),
                ConformanceCase.of(
                        "LCK-29",
                        "TX-714",
                        "a template that not every database would read alike is refused, before anything is sent",
                        LockTemplateCases::wrongTemplates),
                ConformanceCase.of(
                        "LCK-30",
                        "TX-714",
                        "by the same template each lock is given as a select that runs, or refused before anything is sent",
                        LockTemplateCases::sameTemplate));
    }

    // ---- joins

    /** A second table, with rows 1 and 2. Made before the sessions: what is made first is dropped last. */
    private static String other(CaseRun run) throws SQLException {
        String other = run.table();
        run.observe("insert into " + other + " (id, v) values (1, 10)");
        run.observe("insert into " + other + " (id, v) values (2, 20)");
        return other;
    }

    private static Act joined(RowLock lock, String other, String where) {
        return Act.lock(
                lock,
                "select a.id from {t} a {table-lock:a} join " + other + " b {table-lock:b} on b.id = a.id where "
                        + where + " order by a.id {row-lock}");
    }

    private static Act otherLocked(String other) {
        return Act.lock(RowLock.forUpdate(), "select id from " + other + " {table-lock} where id = 1 {row-lock}");
    }

    /** Whether a lock that names tables is noted to lock no more of them than one that names none. */
    private static boolean leavesOthers(CaseRun run, RowLock named, RowLock unnamed) {
        List<String> of = notes(run, named, options(run));
        boolean leaves = !run.has(Feature.SINGLE_WRITER)
                && of.size() <= notes(run, unnamed, options(run)).size();
        if (!leaves) {
            run.note("given", of);
            holds(() -> !of.isEmpty(), "it is noted that " + named + " locks more than that");
        }
        return leaves;
    }

    private static void ofTable(CaseRun run) throws SQLException {
        ofTable(run, Strength.UPDATE);
    }

    private static void ofTableInAnyStrength(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            if (given(run, Locks.of(strength).of("a")) != null) {
                ofTable(run, strength);
            }
        }
    }

    private static void ofTable(CaseRun run, Strength strength) throws SQLException {
        String other = other(run);
        RowLock lock = Locks.of(strength).of("a");
        try (Conductor conductor = conductor(run, 3)) {
            conductor.done("S1", joined(lock, other, "a.id = 1"));
            if (leavesOthers(run, lock, Locks.of(strength))) {
                conductor.unhindered(
                        "S2",
                        write("update " + other + " set v = 11 where id = 1"),
                        "only rows of the named table are locked");
                conductor.done("S2", commit());
            }
            Step named = conductor.step("S3", write("delete from {t} where " + A));
            run.note(
                    "kept out of the named table, " + strength,
                    keptOut(conductor, named, conductor.done("S1", commit())));
        }
    }

    private static void wholeJoin(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            if (given(run, Locks.of(strength)) == null) {
                continue;
            }
            String other = other(run);
            try (Conductor conductor = conductor(run, 3)) {
                conductor.done("S1", joined(Locks.of(strength), other, "a.id = 1"));
                Step one = conductor.step("S2", write("delete from {t} where " + A));
                conductor.step("S2", rollback());
                Step two = conductor.step("S3", write("delete from " + other + " where " + A));
                conductor.step("S3", rollback());
                Step end = conductor.done("S1", commit());
                run.note(strength.name(), keptOut(conductor, one, end) + ", " + keptOut(conductor, two, end));
            }
        }
    }

    private static void ofTableNoWait(CaseRun run) throws SQLException {
        String other = other(run);
        RowLock lock = RowLock.forUpdate().of("a").noWait();
        if (given(run, lock) == null) {
            run.characterised();
            return;
        }
        Conductor conductor = conductor(run, 4);
        conductor.done("S1", otherLocked(other));
        if (leavesOthers(run, lock, RowLock.forUpdate().noWait())) {
            conductor.unhindered("S2", joined(lock, other, "a.id = 1"), "it does not fail for rows of the other table");
            conductor.done("S2", rollback());
        }
        conductor.done("S3", locked(A));
        Step named = conductor.atOnce("S4", joined(lock, other, "a.id = 1"), "NOWAIT never waits for a row lock");
        equal(false, named.isDone(), "whether '" + named + "' was done while S3 held the lock");
        equal(FailureKind.LOCK_NOT_AVAILABLE, kind(named), "the kind of the failure: " + named.thrown());
    }

    private static void ofTableSkipping(CaseRun run) throws SQLException {
        String other = other(run);
        RowLock lock = RowLock.forUpdate().of("a").skipLocked();
        Act all = joined(lock, other, "a.id < 9");
        if (given(run, lock) == null) {
            run.characterised();
            return;
        }
        Conductor conductor = conductor(run, 4);
        conductor.done("S1", otherLocked(other));
        if (leavesOthers(run, lock, RowLock.forUpdate().skipLocked())) {
            Step both = conductor.unhindered("S2", all, "it waits for nobody");
            equal(List.of(1, 2), both.values(), "the rows, of which the other table's are locked");
            conductor.done("S2", rollback());
        }
        conductor.done("S1", rollback());
        conductor.done("S3", locked(A));
        Step rest = conductor.unhindered("S4", all, "a lock that skips waits for nobody");
        equal(List.of(2), rest.values(), "the rows that are not locked");
    }

    private static void ofTableWaiting(CaseRun run) throws SQLException {
        String other = other(run);
        Duration limit = Patience.of(LIMIT);
        RowLock lock = RowLock.forUpdate().of("a").waitAtMost(limit);
        if (given(run, lock) == null) {
            run.characterised();
            return;
        }
        Conductor conductor = conductor(run, 4);
        conductor.done("S1", otherLocked(other));
        if (leavesOthers(run, lock, RowLock.forUpdate().waitAtMost(limit))) {
            conductor.unhindered("S2", joined(lock, other, "a.id = 1"), "it does not wait for rows of the other table");
            conductor.done("S2", rollback());
        }
        conductor.done("S3", locked(A));
        Step named = timed(conductor, "S4", joined(lock, other, "a.id = 1"), limit);
        equal(FailureKind.LOCK_TIMEOUT, kind(named), "the kind of the failure: " + named.thrown());
    }

    private static void ofOneSide(CaseRun run) throws SQLException {
        RowLock lock = RowLock.forUpdate().of("a");
        Conductor conductor = conductor(run, 3);
        conductor.done(
                "S1",
                Act.lock(
                        lock,
                        "select a.id from {t} a {table-lock:a} join {t} b {table-lock:b} on b.id = a.id + 1"
                                + " where a.id = 1 and b.id = 2 {row-lock}"));
        if (leavesOthers(run, lock, RowLock.forUpdate())) {
            conductor.unhindered("S2", set(B, 22), "only rows of the named side are locked");
            conductor.done("S2", commit());
        }
        Step named = conductor.step("S3", set(A, 13));
        run.note("kept out of the named side", keptOut(conductor, named, conductor.done("S1", commit())));
    }

    // ---- common table expressions

    private static Act expression(RowLock lock, String where) {
        return Act.lock(
                lock,
                "with q as (select id from {t} {table-lock} where " + where
                        + " {row-lock}) select id from q order by id");
    }

    /** Whether the lock was taken; if not, the database has no common table expressions, which is told. */
    private static boolean isTaken(CaseRun run, Conductor conductor, Act act) {
        Step step = conductor.step("S1", act);
        if (step.isDone()) {
            return true;
        }
        equal(FailureKind.SYNTAX, kind(failed(conductor, step)), "the kind of the failure: " + step.thrown());
        holds(() -> !hasExpressions(run, conductor), "a lock is taken in a common table expression: " + step.thrown());
        run.note("common table expressions", "none");
        run.characterised();
        return false;
    }

    /** Whether the database reads such an expression where there is no lock in it. */
    private static boolean hasExpressions(CaseRun run, Conductor conductor) {
        try {
            run.observed("with q as (select id from " + conductor.table() + " where " + A + ") select id from q");
            return true;
        } catch (SQLException e) {
            Failure failure = conductor.db().classify(e);
            equal(
                    FailureKind.SYNTAX,
                    failure == null ? null : failure.kind(),
                    "the kind of the failure without a lock: " + e);
            return false;
        }
    }

    private static void inExpression(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            if (given(run, Locks.of(strength)) == null) {
                continue;
            }
            try (Conductor conductor = conductor(run, 2)) {
                if (!isTaken(run, conductor, expression(Locks.of(strength), A))) {
                    return;
                }
                Step delete = conductor.step("S2", write("delete from {t} where " + A));
                run.note(strength.name(), keptOut(conductor, delete, conductor.done("S1", commit())));
            }
        }
    }

    private static void besideExpression(CaseRun run) throws SQLException {
        String other = other(run);
        Conductor conductor = conductor(run, 2);
        Act act = Act.lock(
                RowLock.forUpdate(),
                "with q as (select id from " + other + " where id = 1) select a.v from {t} a {table-lock:a}"
                        + " join q on q.id = a.id where a.id = 1 {row-lock}");
        if (isTaken(run, conductor, act)) {
            Step writer = conductor.step("S2", set(A, 13));
            run.note("kept out", keptOut(conductor, writer, conductor.done("S1", commit())));
        }
    }

    private static void inExpressionNoWait(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        if (isTaken(run, conductor, expression(RowLock.forUpdate(), A))) {
            RowLock lock = RowLock.forUpdate().noWait();
            Step second = conductor.atOnce("S2", expression(lock, A), "NOWAIT never waits for a row lock");
            equal(false, second.isDone(), "whether '" + second + "' was done while S1 held the lock");
            equal(FailureKind.LOCK_NOT_AVAILABLE, kind(second), "the kind of the failure: " + second.thrown());
        }
    }

    private static void inExpressionSkipping(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        if (isTaken(run, conductor, expression(RowLock.forUpdate(), A))) {
            RowLock lock = RowLock.forUpdate().skipLocked();
            Step rest = conductor.unhindered("S2", expression(lock, "id < 9"), "a lock that skips waits for nobody");
            equal(List.of(2), rest.values(), "the rows that are not locked");
        }
    }

    private static void inExpressionWaiting(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        if (isTaken(run, conductor, expression(RowLock.forUpdate(), A))) {
            Duration limit = Patience.of(LIMIT);
            Step second = timed(conductor, "S2", expression(RowLock.forUpdate().waitAtMost(limit), A), limit);
            equal(FailureKind.LOCK_TIMEOUT, kind(second), "the kind of the failure: " + second.thrown());
        }
    }

    // ---- the template itself

    private static void wrongTemplates(CaseRun run) throws SQLException {
        SentLog sent = new SentLog();
        String table = run.table();
        Transactor db = run.transactor(EngineSetup.on(sent.of(run.pool(1))));
        RowLock update = RowLock.forUpdate();
        String both = "select id from " + table + " a {table-lock:a} where id = 1 {row-lock}";
        Map<String, RowLock> wrong = new LinkedHashMap<>();
        wrong.put("select id from " + table + " where id = 1", update);
        wrong.put(both.replace(" {row-lock}", ""), update);
        wrong.put(both.replace(" {table-lock:a}", ""), update);
        wrong.put(both.replace("{row-lock}", "{row_lock}"), update);
        wrong.put(both.replace("{table-lock:a}", "{table-lock:a} {tablelock:a}"), update);
        wrong.put(both.replace("{table-lock:a}", "{table-lock:b}"), update);
        wrong.put(both.replace(" a {table-lock:a}", " {table-lock:a} a"), update);
        wrong.put(both + " order by id", update);
        wrong.put("with q as (" + both.replace(" {row-lock}", "") + ") select id from q {row-lock}", update);
        String outside = "with q as (select id from " + table + " where id = 1) select id from q ";
        wrong.put(outside + "{table-lock} {row-lock}", update);
        wrong.put(outside + "as a {table-lock:a} {row-lock}", update.noWait());
        wrong.put(both.replace("{table-lock:a}", "{table-lock}"), update.of("a"));
        wrong.put(both, update.of("a", "b"));
        wrong.put(both + " ", update.of("b").skipLocked());
        db.execute(tx -> {
            Sql.insert(tx, table, 1);
            wrong.forEach((template, lock) -> {
                sent.clear();
                IllegalArgumentException refusal =
                        throwing(IllegalArgumentException.class, () -> tx.lock(lock, template));
                equal(List.of(), sent.lines(), "what was sent for " + template);
                String message = String.valueOf(refusal.getMessage());
                holds(() -> message.contains(template), "the refusal shows " + template + ": " + message);
                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
            });
            Sql.insert(tx, table, 2);
        });
        equal(List.of(1, 2), run.ids(table), "committed rows");
    }

    private static void sameTemplate(CaseRun run) throws SQLException {
        SentLog sent = new SentLog();
        String table = Interleaving.table(run, Map.of());
        String other = other(run);
        Transactor db = run.transactor(EngineSetup.on(sent.of(run.pool(1))));
        String one = "select v from " + table + " {table-lock} where id = 1 {row-lock}";
        String join = "select a.v from " + table + " a {table-lock:a} join " + other
                + " b {table-lock:b} on b.id = a.id where a.id = 1 order by a.v {row-lock}";
        List<String> refused = new ArrayList<>();
        for (RowLock lock : locks()) {
            for (RowLock named : List.of(lock, lock.of("a"), lock.of("a", "b"))) {
                String template = named.tables().isEmpty() ? one : join;
                db.execute(options(run), tx -> {
                    Sql.ints(tx, "select v from " + table + " where id = 2");
                    sent.clear();
                    boolean isGiven = isGiven(run, tx, named, template);
                    if (!isGiven) {
                        refused.add(named.toString());
                    }
                    equal(List.of(20), Sql.ints(tx, "select v from " + table + " where id = 2"), "read after " + named);
                });
            }
        }
        run.note("refused", refused);
    }

    /** Each strength with each way of waiting. */
    private static List<RowLock> locks() {
        List<RowLock> all = new ArrayList<>();
        for (Strength strength : Strength.values()) {
            RowLock lock = Locks.of(strength);
            all.addAll(List.of(
                    lock, lock.noWait(), lock.skipLocked(), lock.waitAtMost(Patience.of(Duration.ofSeconds(3)))));
        }
        return all;
    }

    private static boolean isGiven(CaseRun run, Tx tx, RowLock lock, String template) throws SQLException {
        boolean declared = declares(run, lock);
        String sql;
        try {
            sql = tx.lock(lock, template);
        } catch (TxUnsupportedException e) {
            holds(() -> !declared || !mustBeGiven(lock), lock + ", which is declared, is given: " + e.getMessage());
            return false;
        }
        holds(() -> declared, lock + ", of which something is not declared, is refused, and not given as " + sql);
        holds(() -> !sql.contains("-lock"), "no place is left in " + sql);
        equal(List.of(10), Sql.ints(tx, sql), "what was read under " + lock + " by " + sql);
        return true;
    }

    private static boolean declares(CaseRun run, RowLock lock) {
        Feature strength = switch (lock.strength()) {
            case UPDATE, NO_KEY_UPDATE -> Feature.LOCK_UPDATE;
            case SHARE, KEY_SHARE -> Feature.LOCK_SHARE;
        };
        Feature waiting = switch (lock.waiting()) {
            case BLOCK -> strength;
            case NO_WAIT -> Feature.LOCK_NO_WAIT;
            case SKIP_LOCKED -> Feature.LOCK_SKIP_LOCKED;
            case AT_MOST -> Feature.LOCK_WAIT_AT_MOST;
        };
        return run.has(strength) && run.has(waiting) && (lock.tables().isEmpty() || run.has(Feature.LOCK_OF));
    }
}
