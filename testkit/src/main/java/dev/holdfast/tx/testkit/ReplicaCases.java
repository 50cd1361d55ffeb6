package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.ReplicaPolicy.Choice;
import dev.holdfast.tx.ReplicaPolicy.Fallback;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** Transactions that read from a replica (RPL), which is told when to apply what. */
final class ReplicaCases {
    private static final TxOptions HINT = TxOptions.none().readOnlyHint();
    private static final TxOptions ANY = HINT.reads(Reads.replica());

    /** Asks nobody in the background, and does not wait long for who is behind. */
    private static final ReplicaPolicy ON_USE =
            ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(20)).probeEvery(Duration.ofDays(1));

    private ReplicaCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                at("RPL-01", "TX-1401", "what reads goes to the replica, and all else to the primary", bed -> {
                    Transactor db = bed.behindByOne(ON_USE);
                    equal(0, bed.rows(db, ANY), "rows seen by who may read from a replica");
                    equal(1, bed.rows(db, TxOptions.none()), "rows seen by who does not say that it reads");
                    equal(1, bed.rows(db, HINT.reads(Reads.primary())), "rows seen by who asks for the primary");
                    equal(List.of(Why.REPLICA, Why.PRIMARY_ASKED), bed.routes(), "routes");
                }),
                at("RPL-02", "TX-1402", "a replica refuses writes, and the error says where it was sent", bed -> {
                    Transactor db = bed.db(ON_USE);
                    for (TxOptions reading : bed.readers()) {
                        Throwable told = thrownBy(
                                () -> db.execute(reading.reads(Reads.replica()), tx -> insert(tx, bed.table, 7)));
                        Failure failure = told == null ? null : db.classify(told);
                        equal(
                                FailureKind.READ_ONLY,
                                failure == null ? null : failure.kind(),
                                "the kind of the error of " + reading);
                        holds(
                                () -> String.valueOf(told).contains("a replica, " + bed.profile.flavour()),
                                "the error says that it was sent to a replica: " + told);
                    }
                    equal(List.of(), bed.onPrimary(), "rows on the primary");
                    equal(0, bed.rows(db, ANY), "rows on the replica");
                }),
                at("RPL-03", "TX-1403", "scopes inside stay where their root is", bed -> {
                    Transactor db = bed.behindByOne(ON_USE);
                    db.execute(ANY, tx -> {
                        equal(0, bed.rows(db, TxOptions.none()), "rows seen by a scope that joins");
                        if (bed.profile.has(Feature.SAVEPOINTS)) {
                            tx.executeNested(inner -> equal(
                                    0,
                                    ints(inner, "select id from " + bed.table).size(),
                                    "rows seen in a savepoint"));
                        }
                        throwing(
                                TxRejectedException.class,
                                () -> db.execute(TxOptions.none().readWrite(), inner -> insert(inner, bed.table, 2)));
                        equal(
                                1,
                                bed.rows(db, TxOptions.none().propagation(Propagation.SEPARATE)),
                                "rows seen by one of its own");
                    });
                    db.execute(tx -> {
                        insert(tx, bed.table, 3);
                        equal(2, bed.rows(db, HINT), "rows seen by a reader inside a writer");
                    });
                }),
                at("RPL-04", "TX-1404", "a causal read has seen the last commit, wherever it reads", bed -> {
                    bed.needPositions();
                    Transactor db = bed.behindByOne(ON_USE);
                    equal(1, bed.rows(db, HINT), "rows seen, with the replica behind");
                    equal(List.of(Why.BEHIND), bed.routes(), "routes");
                    bed.caughtUp();
                    equal(1, bed.rows(db, HINT), "rows seen, with the replica up to date");
                    equal(List.of(Why.BEHIND, Why.REPLICA), bed.routes(), "routes");
                }),
                at("RPL-05", "TX-1404", "a causal read waits for a replica that catches up in time", bed -> {
                    bed.needPositions();
                    AtomicInteger asked = new AtomicInteger();
                    Transactor db = bed.db(ON_USE.catchUpWithin(Patience.step()), counted(bed.pair.replica(), asked));
                    bed.pair.pause();
                    db.execute(tx -> insert(tx, bed.table, 1));
                    asked.set(0);
                    CompletableFuture<Integer> reader = Threads.supply(() -> bed.rows(db, HINT));
                    Await.shown("the replica is asked again and again", () -> asked.get() >= 3);
                    equal(false, reader.isDone(), "whether the read has not waited");
                    bed.pair.resume();
                    equal(1, reader.get(Patience.step().toSeconds(), TimeUnit.SECONDS), "rows seen");
                    equal(List.of(Why.REPLICA), bed.routes(), "routes");
                }),
                at("RPL-06", "TX-1404", "a causal read has seen what was committed outside of transactions", bed -> {
                    bed.needPositions();
                    Transactor db = bed.db(ON_USE);
                    bed.pair.pause();
                    db.<Integer>withConnection(connection -> {
                        try (PreparedStatement insert =
                                connection.prepareStatement("insert into " + bed.table + " (id, v) values (1, 0)")) {
                            return insert.executeUpdate();
                        }
                    });
                    equal(1, bed.rows(db, HINT), "rows seen");
                }),
                at("RPL-07", "TX-1405", "a token travels to another transactor as a text", bed -> {
                    bed.needPositions();
                    Transactor writer = bed.run.transactor(EngineSetup.on(bed.pool(bed.pair.primary())));
                    Transactor reader = bed.db(ON_USE);
                    bed.pair.pause();
                    writer.execute(tx -> insert(tx, bed.table, 1));
                    CausalToken token = new CausalToken(writer.causalToken().toString());
                    equal(0, bed.rows(reader, HINT), "rows seen without it");
                    equal(1, bed.rows(reader, HINT.reads(Reads.causal(token))), "rows seen with the token");
                }),
                at("RPL-08", "TX-1405", "a token that is none, or another database's, is refused", bed -> {
                    bed.needPositions();
                    Transactor db = bed.db(ON_USE);
                    String good = db.causalToken().toString();
                    String[] parts = good.split(":", 3);
                    for (String bad : List.of(
                            "nonsense",
                            "::",
                            "other:" + parts[1] + ":" + parts[2],
                            parts[0] + ":other:" + parts[2],
                            parts[0] + ":" + parts[1] + ":nonsense")) {
                        Throwable told = thrownBy(() -> bed.rows(db, HINT.reads(Reads.causal(new CausalToken(bad)))));
                        holds(
                                () -> told instanceof TxUnsupportedException
                                        || (told != null && told.getCause() instanceof TxUnsupportedException),
                                bad + " is refused: " + told);
                        holds(
                                () -> String.valueOf(told).contains(bad)
                                        && String.valueOf(told).contains(bed.profile.flavour()),
                                "the refusal names the token and the server: " + told);
                    }
                    equal(
                            0,
                            bed.rows(db, HINT.reads(Reads.causal(new CausalToken(good)))),
                            "rows seen with a good one");
                }),
                at("RPL-09", "TX-1406", "sticky reads stay with the primary for their time after a commit", bed -> {
                    TxOptions sticky = HINT.reads(Reads.sticky(Duration.ofDays(1)));
                    Transactor db = bed.db(ON_USE);
                    bed.pair.pause();
                    equal(0, bed.rows(db, sticky), "rows seen before the commit");
                    db.execute(tx -> insert(tx, bed.table, 1));
                    equal(1, bed.rows(db, sticky), "rows seen after it");
                    equal(0, bed.rows(db, HINT.reads(Reads.sticky(Duration.ofNanos(1)))), "rows seen later");
                    equal(List.of(Why.REPLICA, Why.STICKY, Why.REPLICA), bed.routes(), "routes");
                }),
                at(
                        "RPL-15",
                        "TX-1402",
                        "what reads cannot write on the primary either, when no replica is healthy",
                        bed -> {
                            if (!bed.profile.has(Feature.READ_ONLY)) {
                                throw new Untested("nothing can be read-only on the primary here");
                            }
                            Breakable first = new Breakable(bed.pair.replica());
                            Transactor db = bed.db(ON_USE, first.dataSource());
                            first.fail(Breakable.Failing.AT_ACQUIRE);
                            Throwable told = thrownBy(() -> db.execute(ANY, tx -> insert(tx, bed.table, 1)));
                            Failure failure = told == null ? null : db.classify(told);
                            equal(
                                    FailureKind.READ_ONLY,
                                    failure == null ? null : failure.kind(),
                                    "the kind of the error");
                            holds(
                                    () -> String.valueOf(told).contains("the primary, " + bed.profile.flavour()),
                                    "the error says that it was sent to the primary: " + told);
                            equal(List.of(), bed.onPrimary(), "rows on the primary");
                        }),
                at("RPL-16", "TX-1406", "sticky reads do not keep each other on the primary", bed -> {
                    Transactor db = bed.db(ON_USE);
                    db.execute(tx -> insert(tx, bed.table, 1));
                    TxOptions sticky = HINT.reads(Reads.sticky(Duration.ofMillis(200)));
                    Await.shown("a read goes to the replica", () -> {
                        bed.rows(db, sticky);
                        List<Why> routes = bed.routes();
                        return routes.get(routes.size() - 1) == Why.REPLICA;
                    });
                }),
                skipped("RPL-10", Breakable.Failing.AT_ACQUIRE, "at acquire"),
                skipped("RPL-11", Breakable.Failing.AT_FIRST_STATEMENT, "at its first statement"),
                at(
                        "RPL-17",
                        "TX-1407",
                        "a replica that is lost at the caller's first statement is skipped, and the statement is not",
                        bed -> {
                            Breakable first = new Breakable(bed.pair.replica());
                            Breakable down = new Breakable(bed.pair.replica());
                            Transactor db = bed.db(ON_USE, down.dataSource(), first.dataSource());
                            db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                insert(tx, bed.table, 2);
                            });
                            bed.awaitRows(2);
                            down.fail(Breakable.Failing.AT_ACQUIRE);
                            first.fail(Breakable.Failing.AT_FIRST_EXECUTION);
                            db.execute(ANY, tx -> {
                                try (PreparedStatement select = tx.connection()
                                        .prepareStatement("select id from " + bed.table + " where id = ?")) {
                                    select.setInt(1, 2);
                                    equal(List.of(2), Sql.ints(select), "rows seen by the first statement");
                                    select.setInt(1, 1);
                                    equal(List.of(1), Sql.ints(select), "rows seen by the second one");
                                }
                            });
                            equal(List.of(Why.REPLICA, Why.NONE_HEALTHY), bed.routes(), "routes");
                            equal(2, bed.skipped(), "how often a replica was skipped");
                        }),
                at("RPL-12", "TX-1407", "a replica that failed is read from when it answers again", bed -> {
                    Breakable first = new Breakable(bed.pair.replica());
                    Transactor db = bed.db(ON_USE.probeEvery(Duration.ofMillis(20)), first.dataSource());
                    first.fail(Breakable.Failing.AT_FIRST_STATEMENT);
                    equal(0, bed.rows(db, ANY), "rows seen while it fails");
                    first.fail(Breakable.Failing.NOT);
                    Await.shown("it is read from again", () -> {
                        bed.rows(db, ANY);
                        List<Why> routes = bed.routes();
                        return routes.get(routes.size() - 1) == Why.REPLICA;
                    });
                }),
                at(
                        "RPL-13",
                        "TX-1408",
                        "without a healthy replica it is the primary, or refused, as the policy says",
                        bed -> {
                            Breakable first = new Breakable(bed.pair.replica());
                            Transactor db = bed.db(ON_USE, first.dataSource());
                            Transactor strict = bed.db(ON_USE.fallback(Fallback.REFUSE), first.dataSource());
                            first.fail(Breakable.Failing.AT_ACQUIRE);
                            equal(0, bed.rows(db, ANY), "rows seen");
                            equal(List.of(Why.NONE_HEALTHY), bed.routes(), "routes");
                            Throwable told = thrownBy(() -> bed.rows(strict, ANY));
                            holds(
                                    () -> String.valueOf(told).contains("replica 1")
                                            && String.valueOf(told).contains("as planned"),
                                    "the refusal says what is wrong with each replica: " + told);
                            strict.execute(tx -> insert(tx, bed.table, 1));
                            equal(List.of(1), bed.onPrimary(), "rows that were written");
                        }),
                at("RPL-14", "TX-1409", "each replica has its turn, or the one in least use", bed -> {
                    AtomicInteger one = new AtomicInteger();
                    AtomicInteger other = new AtomicInteger();
                    for (Choice choice : Choice.values()) {
                        Transactor db = bed.db(
                                ON_USE.choice(choice),
                                counted(bed.pair.replica(), one),
                                counted(bed.pair.replica(), other));
                        one.set(0);
                        other.set(0);
                        for (int i = 0; i < 4; i++) {
                            bed.rows(db, ANY);
                        }
                        equal(List.of(2, 2), List.of(one.get(), other.get()), choice + ": connections taken of each");
                        if (choice == Choice.LEAST_IN_USE) {
                            db.execute(ANY, tx -> {
                                ints(tx, "select id from " + bed.table);
                                int busy = one.get() > 2 ? 1 : 2;
                                for (int i = 0; i < 4; i++) {
                                    bed.rows(db, ANY.propagation(Propagation.SEPARATE));
                                }
                                equal(
                                        busy == 1 ? List.of(3, 6) : List.of(6, 3),
                                        List.of(one.get(), other.get()),
                                        "connections taken of each, with one in use");
                            });
                        }
                    }
                }));
    }

    private static ConformanceCase skipped(String id, Breakable.Failing how, String when) {
        return at(id, "TX-1407", "a replica that fails " + when + " is skipped without the caller noticing", bed -> {
            Breakable first = new Breakable(bed.pair.replica());
            Breakable second = new Breakable(bed.pair.replica());
            Transactor db = bed.db(ON_USE, first.dataSource(), second.dataSource());
            first.fail(how);
            for (int i = 0; i < 4; i++) {
                equal(0, bed.rows(db, ANY), "rows seen");
            }
            equal(Collections.nCopies(4, Why.REPLICA), bed.routes(), "routes");
            equal(1, bed.skipped(), "how often it was tried"); // and left out from then on
            second.fail(how);
            equal(0, bed.rows(db, ANY), "rows seen");
            equal(Why.NONE_HEALTHY, bed.routes().get(4), "the last route");
        });
    }

    private static DataSource counted(DataSource real, AtomicInteger taken) {
        return JdbcProxy.of(DataSource.class, "counted", (self, method, arguments) -> {
            if (method.getName().equals("getConnection")) {
                taken.incrementAndGet();
            }
            return JdbcProxy.call(real, method, arguments);
        });
    }

    /** Shows something of a primary and its replica. */
    @FunctionalInterface
    private interface Body {
        void show(ReplicaBed bed) throws Exception;
    }

    private static ConformanceCase at(String id, String rule, String title, Body body) {
        return ConformanceCase.of(id, rule, title, Needs.of(Means.REPLICA), run -> {
            ReplicaBed bed = new ReplicaBed(run);
            try {
                body.show(bed);
            } finally {
                bed.pair.resume();
            }
        });
    }

    /** What is declared of replicas, and what is made of it, are the same; also where there are none. */
    static void declared(CaseRun run) throws Exception {
        boolean has = run.has(Feature.REPLICAS);
        var replication = run.database().dialect().replication(run.profile());
        equal(has, replication.isPresent(), "whether the dialect says how replicas are read from");
        if (!has) {
            equal(false, run.has(Feature.CAUSAL_READS), "causal reads without replicas");
            EngineSetup setup = EngineSetup.on(run.pool(1)).replica(run.pool(1));
            TxUnsupportedException told = throwing(TxUnsupportedException.class, () -> run.transactor(setup));
            holds(
                    () -> String.valueOf(told.getMessage())
                            .contains(run.profile().server()),
                    "the refusal names the server: " + told);
        } else {
            boolean positions = replication.orElseThrow().positions() != null;
            equal(run.has(Feature.CAUSAL_READS), positions, "whether it says what a position is");
        }
    }

    /** A token is given and taken where there are positions, and neither elsewhere; no replica is needed for it. */
    static void positions(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor();
        db.execute(tx -> insert(tx, table, 1));
        CausalToken token = null;
        if (run.has(Feature.CAUSAL_READS)) {
            token = db.causalToken();
        } else {
            throwing(TxUnsupportedException.class, db::causalToken);
        }
        TxOptions seen = HINT.reads(Reads.causal(token == null ? new CausalToken("any:any:any") : token));
        if (token == null) {
            TxUnsupportedException told = throwing(
                    TxUnsupportedException.class, () -> db.execute(seen, tx -> ints(tx, "select id from " + table)));
            holds(
                    () -> String.valueOf(told.getMessage())
                            .contains(run.profile().server()),
                    "the refusal names the server: " + told);
        } else {
            db.execute(seen, tx -> equal(List.of(1), ints(tx, "select id from " + table), "rows seen"));
        }
    }
}
