package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.interleaving.Act.begin;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.lock;
import static dev.holdfast.tx.testkit.interleaving.Act.read;
import static dev.holdfast.tx.testkit.interleaving.Act.rollback;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Anomaly;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Script;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What concurrent transactions do to each other at each level (ISO). Row A is {@code (1, 10, 0)}, row B {@code (2, 20, 0)}.
 *
 * <p>The interleavings are those of Hermitage and of Jepsen's reports on MySQL, and some more.
 */
final class IsolationCases {
    private static final String A = "id = 1";
    private static final String B = "id = 2";
    private static final String C = "id = 3";

    private IsolationCases() {}

    static List<ConformanceCase> all() {
        return all(Pace.usual());
    }

    /** Each at each level, and at the server's default. */
    static List<ConformanceCase> all(Pace pace) {
        List<ConformanceCase> cases = new ArrayList<>();
        for (Interleaving one : INTERLEAVINGS) {
            for (Isolation level : Isolation.values()) {
                cases.add(one.at(level, pace));
            }
            cases.add(one.atDefault(pace));
        }
        for (Isolation level : Isolation.values()) {
            cases.add(seenAtOnce(level));
            cases.add(readYourWrites(level));
        }
        return List.copyOf(cases);
    }

    static List<Interleaving> interleavings() {
        return INTERLEAVINGS;
    }

    // ---- the words of the scripts

    private static Act value(String where) {
        return read("select v from {t} where " + where);
    }

    private static Act values() {
        return read("select v from {t} order by id");
    }

    private static Act ids(String where) {
        return read("select id from {t} where " + where + " order by id");
    }

    private static Act count(String where) {
        return read("select count(*) from {t} where " + where);
    }

    private static Act set(String where, String v) {
        return write("update {t} set v = " + v + " where " + where);
    }

    private static Act touch(String where, int n) {
        return write("update {t} set n = " + n + " where " + where);
    }

    private static Act insert(int id, int v) {
        return write("insert into {t} (id, v, n) values (" + id + ", " + v + ", 0)");
    }

    private static Act valueLocked(String where) {
        return lock(RowLock.forUpdate(), "select v from {t} {table-lock} where " + where + " {row-lock}");
    }

    // ---- the interleavings

    private static final List<Interleaving> INTERLEAVINGS = List.of(
            new Interleaving("ISO-01", "TX-601", "dirty write", "G0", Anomaly.DIRTY_WRITE)
                    .script(Script.empty()
                            .step("S1", set(A, "11").as("w1"))
                            .step("S2", set(A, "12").as("w2").after("w1"))
                            .step("S2", set(B, "22").as("w3"))
                            .step("S1", set(B, "21").after("w3"))
                            .step("S1", commit())
                            .commit("S2"))
                    .forbidden("a final state that no committed transaction wrote as a whole", (play, rows) -> {
                        boolean first = rows.equals(Map.of(1, 11, 2, 21));
                        boolean second = rows.equals(Map.of(1, 12, 2, 22));
                        if (play.committed("S1", "S2")) {
                            return !first && !second;
                        }
                        if (play.committed("S1")) {
                            return !first;
                        }
                        return play.committed("S2") ? !second : !rows.equals(Map.of(1, 10, 2, 20));
                    }),
            new Interleaving("ISO-02", "TX-602", "aborted read", "G1a", Anomaly.ABORTED_READ)
                    .script(Script.empty()
                            .step("S1", set(A, "101").as("w"))
                            .step("S2", values().as("a").after("w"))
                            .step("S1", rollback().as("undone").after("a"))
                            .step("S2", values().as("b").after("undone"))
                            .commit("S2"))
                    .forbidden(
                            "S2 read 101, which was rolled back",
                            (play, rows) ->
                                    play.committed("S2") && (play.sawAmong("a", 101) || play.sawAmong("b", 101))),
            new Interleaving("ISO-03", "TX-602", "intermediate read", "G1b", Anomaly.INTERMEDIATE_READ)
                    .script(Script.empty()
                            .step("S1", set(A, "101").as("w"))
                            .step("S2", values().as("a").after("w"))
                            .step("S1", set(A, "11").after("a"))
                            .step("S1", commit().as("c1"))
                            .step("S2", values().as("b").after("c1"))
                            .commit("S2"))
                    .forbidden(
                            "S2 read 101, which S1 replaced before it committed",
                            (play, rows) ->
                                    play.committed("S1", "S2") && (play.sawAmong("a", 101) || play.sawAmong("b", 101))),
            new Interleaving("ISO-04", "TX-602", "circular information flow", "G1c", Anomaly.CIRCULAR_INFORMATION_FLOW)
                    .script(Script.empty()
                            .step("S1", set(A, "11").as("w1"))
                            .step("S2", set(B, "22").as("w2"))
                            .step("S1", value(B).as("a").after("w2"))
                            .step("S2", value(A).as("b").after("w1"))
                            .step("S1", commit().after("b"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and each read what the other wrote",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 22) && play.saw("b", 11)),
            new Interleaving(
                            "ISO-05",
                            "TX-602",
                            "observed transaction vanishes",
                            "OTV",
                            Anomaly.OBSERVED_TRANSACTION_VANISHES)
                    .script(Script.empty()
                            .step("S1", set(A, "11").as("w1"))
                            .step("S1", set(B, "19"))
                            .step("S2", set(A, "12").as("w2").after("w1"))
                            .step("S1", commit().as("c1").after("w2"))
                            .step("S3", value(A).as("a").after("c1", "w2"))
                            .step("S3", value(B).as("a2"))
                            .step("S2", set(B, "18").as("w3").after("a2"))
                            .step("S3", value(B).as("b").after("w3"))
                            .step("S2", commit().as("c2").after("b"))
                            .step("S3", value(B).as("c").after("c2"))
                            .step("S3", value(A).as("d"))
                            .commit("S3"))
                    .forbidden(
                            "S3 read 12, which S2 wrote, and 19, which S2 overwrote",
                            (play, rows) -> play.committed("S1", "S2", "S3")
                                    && rows.equals(Map.of(1, 12, 2, 18)) // S2 came after S1
                                    && play.saw("a", 12)
                                    && (play.saw("a2", 19) || play.saw("b", 19) || play.saw("c", 19))),
            new Interleaving("ISO-06", "TX-604", "predicate read skew", "PMP", Anomaly.PREDICATE_READ_SKEW)
                    .script(Script.empty()
                            .step("S1", count("v = 30").as("a"))
                            .step("S2", insert(3, 30).after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S1", count("v between 25 and 35").as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 found no row of 30, and then the one that S2 inserted",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 0) && play.saw("b", 1)),
            new Interleaving("ISO-07", "TX-605", "predicate write skew", "PMP on write", Anomaly.PREDICATE_WRITE_SKEW)
                    .script(Script.empty()
                            .step("S2", ids("v = 20").as("r0"))
                            .step(
                                    "S1",
                                    write("update {t} set v = v + 10").as("w1").after("r0"))
                            .step(
                                    "S2",
                                    write("delete from {t} where v = 20")
                                            .as("w2")
                                            .after("w1"))
                            .step("S1", commit().as("c1").after("w2"))
                            .step("S2", ids("v = 20").as("r1").after("c1"))
                            .commit("S2"))
                    .forbidden("both committed, and what S2 read and deleted fits neither order", (play, rows) -> {
                        boolean oneFirst = play.saw("r0", 1) && play.saw("r1") && rows.equals(Map.of(2, 30));
                        boolean twoFirst = play.saw("r0", 2) && play.saw("r1") && rows.equals(Map.of(1, 20));
                        return play.committed("S1", "S2") && !oneFirst && !twoFirst;
                    }),
            new Interleaving("ISO-08", "TX-605", "lost update", "P4", Anomaly.LOST_UPDATE)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", value(A).as("b"))
                            .step("S1", set(A, "{a} + 1").as("w1").after("b"))
                            .step("S2", set(A, "{b} + 2").as("w2").after("w1"))
                            .step("S1", commit().after("w2"))
                            .commit("S2"))
                    .forbidden(
                            "both committed after both had read 10",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 10) && play.saw("b", 10)),
            new Interleaving(
                            "ISO-09",
                            "TX-603",
                            "lost increment in one statement",
                            "lost increment",
                            Anomaly.LOST_INCREMENT)
                    .script(Script.empty()
                            .step("S1", set(A, "v + 1").as("w1"))
                            .step("S2", set(A, "v + 2").as("w2").after("w1"))
                            .step("S1", commit().after("w2"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and A is not 13",
                            (play, rows) -> play.committed("S1", "S2")
                                    && !Integer.valueOf(13).equals(rows.get(1))),
            new Interleaving(
                            "ISO-10",
                            "TX-603",
                            "lost update under a row lock",
                            "lost increment",
                            Anomaly.LOST_INCREMENT)
                    .with(Feature.LOCK_UPDATE)
                    .script(Script.empty()
                            .step("S1", valueLocked(A).as("a"))
                            .step("S2", valueLocked(A).as("b").after("a"))
                            .step("S1", set(A, "{a} + 1").after("b"))
                            .step("S1", commit().as("c1"))
                            .step("S2", set(A, "{b} + 2").after("c1"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and A is not 13",
                            (play, rows) -> play.committed("S1", "S2")
                                    && !Integer.valueOf(13).equals(rows.get(1))),
            new Interleaving("ISO-11", "TX-603", "compare and set by two", "lost increment", Anomaly.LOST_INCREMENT)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", value(A).as("b"))
                            .step("S1", set(A + " and v = {a}", "11").as("n1").after("b"))
                            .step("S2", set(A + " and v = {b}", "12").as("n2").after("n1"))
                            .step("S1", commit().after("n2"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and both found the 10 that both had read",
                            (play, rows) -> play.committed("S1", "S2")
                                    && play.saw("a", 10)
                                    && play.saw("b", 10)
                                    && play.count("n1") == 1
                                    && play.count("n2") == 1),
            new Interleaving("ISO-12", "TX-604", "read skew", "G-single", Anomaly.READ_SKEW)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", values())
                            .step("S2", set(A, "12").after("a"))
                            .step("S2", set(B, "18"))
                            .step("S2", commit().as("c2"))
                            .step("S1", value(B).as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 read A before S2 wrote it, and B after",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 10) && play.saw("b", 18)),
            new Interleaving("ISO-13a", "TX-604", "read skew by predicate, updated", "G-single", Anomaly.READ_SKEW)
                    .script(Script.empty()
                            .step("S1", ids("v <= 10").as("a"))
                            .step("S2", set("v = 10", "12").after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S1", ids("v between 11 and 13").as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 found A by its old value and by its new one",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 1) && play.sawAmong("b", 1)),
            new Interleaving(
                            "ISO-13b",
                            "TX-604",
                            "read skew by predicate, inserted",
                            "G-single by insert",
                            Anomaly.READ_SKEW_BY_INSERT)
                    .script(Script.empty()
                            .step("S1", ids("v < 10").as("a"))
                            .step("S2", insert(3, 5).after("a"))
                            .step("S2", insert(4, 12))
                            .step("S2", commit().as("c2"))
                            .step("S1", ids("v between 11 and 13").as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 found one of the two rows that S2 inserted",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a") && play.sawAmong("b", 4)),
            new Interleaving(
                            "ISO-14",
                            "TX-605",
                            "write by a stale predicate",
                            "G-single on write",
                            Anomaly.STALE_WRITE_PREDICATE)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", values())
                            .step("S2", set(A, "12").after("a"))
                            .step("S2", set(B, "18"))
                            .step("S2", commit().as("c2"))
                            .step(
                                    "S1",
                                    write("delete from {t} where v = 20")
                                            .as("n")
                                            .after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 read the A before S2, and deleted by the B after it",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 10) && play.count("n") == 0),
            new Interleaving(
                            "ISO-15",
                            "TX-602",
                            "half of a transaction seen through an own write",
                            "MAV",
                            Anomaly.HALF_VISIBLE_TRANSACTION)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", set(A, "11").after("a"))
                            .step("S2", set(B, "21"))
                            .step("S2", commit().as("c2"))
                            .step("S1", touch(B, 7).after("c2"))
                            .step("S1", value(B).as("b"))
                            .step("S1", value(A).as("a2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 read the B of S2, and then the A before it",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("b", 21) && play.saw("a2", 10)),
            new Interleaving(
                            "ISO-16",
                            "TX-604",
                            "read not repeatable after an own write",
                            "fuzzy read after own write",
                            Anomaly.NON_REPEATABLE_AFTER_OWN_WRITE)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", set(A, "11").after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S1", touch(A, 5).after("c2"))
                            .step("S1", value(A).as("b"))
                            .commit("S1"))
                    .forbidden(
                            "S1 wrote another column of A, and read A differently",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 10) && play.saw("b", 11)),
            new Interleaving("ISO-17", "TX-604", "read not repeatable", "fuzzy read", Anomaly.NON_REPEATABLE_READ)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", set(A, "11").after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S1", value(A).as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 read A twice, and differently",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 10) && play.saw("b", 11)),
            new Interleaving("ISO-18", "TX-604", "phantom", "phantom", Anomaly.PHANTOM)
                    .script(Script.empty()
                            .step("S1", count("v >= 30").as("a"))
                            .step("S2", insert(3, 30).after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S1", count("v >= 30").as("b").after("c2"))
                            .commit("S1"))
                    .forbidden(
                            "S1 counted twice, and differently",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a", 0) && play.saw("b", 1)),
            new Interleaving("ISO-19", "TX-606", "write skew", "G2-item", Anomaly.WRITE_SKEW)
                    .script(Script.empty()
                            .step("S1", values().as("a"))
                            .step("S2", values().as("b"))
                            .step("S1", set(A, "11").as("w1").after("b"))
                            .step("S2", set(B, "21").as("w2").after("a"))
                            .step("S1", commit().after("w2"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and neither read what the other wrote",
                            (play, rows) ->
                                    play.committed("S1", "S2") && play.saw("a", 10, 20) && play.saw("b", 10, 20)),
            new Interleaving("ISO-20", "TX-606", "predicate cycle", "G2", Anomaly.PREDICATE_CYCLE)
                    .script(Script.empty()
                            .step("S1", ids("v >= 30").as("a"))
                            .step("S2", ids("v >= 30").as("b"))
                            .step("S1", insert(3, 30).as("w1").after("b"))
                            .step("S2", insert(4, 42).as("w2").after("a"))
                            .step("S1", commit().after("w2"))
                            .commit("S2"))
                    .forbidden(
                            "both committed, and neither found the row that the other inserted",
                            (play, rows) -> play.committed("S1", "S2") && play.saw("a") && play.saw("b")),
            new Interleaving("ISO-21", "TX-606", "read-only anomaly", "Fekete", Anomaly.READ_ONLY_ANOMALY)
                    .script(Script.empty()
                            .step("S1", values().as("a"))
                            .step("S2", set(B, "v + 5").after("a"))
                            .step("S2", commit().as("c2"))
                            .step("S3", values().as("r").after("c2"))
                            .step("S3", commit().as("c3"))
                            .step("S1", set(A, "0").after("c3"))
                            .commit("S1"))
                    .forbidden(
                            "all committed; S3 saw S2 and not S1, which did not see S2",
                            (play, rows) ->
                                    play.committed("S1", "S2", "S3") && play.saw("a", 10, 20) && play.saw("r", 10, 25)),
            new Interleaving("ISO-22", "TX-606", "write skew among three", "G2-item", Anomaly.WRITE_SKEW_RING)
                    .row(3, 30)
                    .script(Script.empty()
                            .step("S1", value(A).as("a"))
                            .step("S2", value(B).as("b"))
                            .step("S3", value(C).as("c"))
                            .step("S1", set(B, "1").as("w1").after("b", "c"))
                            .step("S2", set(C, "1").as("w2").after("c"))
                            .step("S3", set(A, "1").as("w3").after("a"))
                            .step("S1", commit().after("w2", "w3"))
                            .commits("S2", "S3"))
                    .forbidden(
                            "all committed, and each read what the next one overwrote",
                            (play, rows) -> play.committed("S1", "S2", "S3")
                                    && play.saw("a", 10)
                                    && play.saw("b", 20)
                                    && play.saw("c", 30)),
            new Interleaving("ISO-23", "TX-607", "long fork", "long fork", Anomaly.LONG_FORK)
                    .script(Script.empty()
                            .step("S4", value(A).as("x4"))
                            .step("S1", set(A, "11").after("x4"))
                            .step("S1", commit().as("c1"))
                            .step("S3", value(A).as("x3").after("c1"))
                            .step("S3", value(B).as("y3"))
                            .step("S2", set(B, "21").after("y3"))
                            .step("S2", commit().as("c2"))
                            .step("S4", value(B).as("y4").after("c2"))
                            .commits("S3", "S4"))
                    .forbidden(
                            "S3 saw S1 and not S2, S4 saw S2 and not S1",
                            (play, rows) -> play.committed("S1", "S2", "S3", "S4")
                                    && play.saw("x3", 11)
                                    && play.saw("y3", 20)
                                    && play.saw("x4", 10)
                                    && play.saw("y4", 21)),
            new Interleaving("ISO-24", "TX-608", "when the snapshot is taken", "snapshot", null)
                    .script(Script.empty()
                            .step("S1", begin().as("begun"))
                            .step("S2", set(A, "11").after("begun"))
                            .step("S2", commit().as("c2"))
                            .step("S1", value(A).as("a").after("c2"))
                            .commit("S1"))
                    .told("a", Map.of(10, "begin", 11, "first statement")));

    // ---- facts that hold at every level

    private static ConformanceCase seenAtOnce(Isolation level) {
        return ConformanceCase.of(
                "ISO-25",
                "TX-609",
                "what was committed is seen by the next transaction, on whatever connection",
                Needs.of(level),
                run -> {
                    String table = Interleaving.table(run, Map.of());
                    Transactor writer = run.transactor(EngineSetup.on(run.pool(1)));
                    Transactor reader = run.transactor(EngineSetup.on(run.pool(1)));
                    for (int i = 1; i <= 50; i++) {
                        int written = i;
                        writer.execute(
                                Interleaving.options(run, level, true),
                                tx -> Sql.update(tx, "update " + table + " set v = ? where id = 1", written));
                        List<Integer> seen = reader.transact(
                                Interleaving.options(run, level, false),
                                tx -> Sql.ints(tx, "select v from " + table + " where id = 1"));
                        Facts.equal(List.of(written), seen, "the value that was committed before");
                    }
                });
    }

    private static ConformanceCase readYourWrites(Isolation level) {
        return ConformanceCase.of(
                "ISO-26",
                "TX-610",
                "a transaction reads what the one before it, in the same thread, has committed",
                Needs.of(level),
                run -> {
                    String table = Interleaving.table(run, Map.of());
                    Transactor db = run.transactor();
                    for (int i = 1; i <= 20; i++) {
                        int written = i;
                        db.execute(
                                Interleaving.options(run, level, true),
                                tx -> Sql.update(tx, "update " + table + " set v = ? where id = 1", written));
                        List<Integer> seen = db.transact(
                                Interleaving.options(run, level, false),
                                tx -> Sql.ints(tx, "select v from " + table + " where id = 1"));
                        Facts.equal(List.of(written), seen, "the value that was committed before");
                    }
                });
    }
}
