package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.Work;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgConnection;
import org.sqlite.SQLiteConnection;

/** Engines with one thing wrong each. */
final class EngineMutants {
    private EngineMutants() {}

    static List<Mutant> all() {
        return Stream.of(hooks(), scopes(), ends(), options(), handles(), unmanaged(), connections())
                .flatMap(List::stream)
                .toList();
    }

    private static Mutant sqlite(String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withEngine(change), killer, says);
    }

    private static Mutant postgres(
            String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(id, what, "PostgreSQL", () -> Databases.postgres().withEngine(change), killer, says);
    }

    /** Every handle is broken like this. */
    private static UnaryOperator<Transactor> handles(Function<Broken, Tx> change) {
        return good -> new BrokenTransactor(good, other -> handles(change).apply(other)) {
            @Override
            Tx handle(Tx tx) {
                return change.apply(new Broken(tx, this));
            }
        };
    }

    /** A handle that is about to be broken, and whose. */
    private record Broken(Tx tx, BrokenTransactor owner) {}

    /** Scopes are asked for with other options. */
    private static UnaryOperator<Transactor> asking(Function<Asked, TxOptions> change) {
        return good -> new BrokenTransactor(good, other -> asking(change).apply(other)) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(change.apply(new Asked(options, good.current() != null)), body);
            }
        };
    }

    /** What was asked for, and whether a transaction is running. */
    private record Asked(TxOptions options, boolean inside) {}

    private static List<Mutant> hooks() {
        return List.of(
                sqlite(
                        "M31",
                        "afterCommit hooks fire before the commit",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void afterCommit(Hook hook) {
                                good.beforeCommit(hook);
                            }
                        }),
                        "HOK-01",
                        "rows seen after the commit: expected [1], but saw []"),
                sqlite(
                        "M32",
                        "hooks of a failed attempt fire again with the next",
                        EngineMutants::sticky,
                        "HOK-06",
                        "hooks that fired, each after its attempt: expected [rollback of"),
                sqlite(
                        "M36",
                        "afterRollback hooks are dropped",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void afterRollback(Hook hook) {}
                        }),
                        "HOK-01b",
                        "hooks that fired: expected [RolledBack, after rollback], but"),
                sqlite(
                        "M37",
                        "what a beforeCommit hook throws is swallowed",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void beforeCommit(Hook hook) {
                                good.beforeCommit(() -> Facts.thrownBy(hook::fire));
                            }
                        }),
                        "HOK-02",
                        "the very object: expected java.lang.IllegalStateException:"),
                sqlite(
                        "M38",
                        "beforeCommit hooks fire after the commit",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void beforeCommit(Hook hook) {
                                good.afterCommit(hook);
                            }
                        }),
                        "HOK-08",
                        "hook(s) failed after the transaction"),
                sqlite(
                        "M41",
                        "a hook that is registered too late is lost",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void afterCommit(Hook hook) {
                                if (good.isActive()) {
                                    good.afterCommit(hook);
                                }
                            }
                        }),
                        "HOK-14",
                        "expected a TxStateException, but saw null"));
    }

    private static Transactor sticky(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::sticky) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                List<Hook> earlier = new ArrayList<>();
                return good.transact(options, tx -> {
                    for (Hook hook : earlier) {
                        tx.afterCommit(hook);
                    }
                    return body.apply(new BrokenTx(tx, this) {
                        @Override
                        public void afterCommit(Hook hook) {
                            earlier.add(hook);
                            good.afterCommit(hook);
                        }
                    });
                });
            }
        };
    }

    private static List<Mutant> scopes() {
        return List.of(
                sqlite(
                        "M33",
                        "a joined scope that failed is forgotten when its error is caught",
                        EngineMutants::forgetful,
                        "NST-02",
                        "expected a TxRolledBackException, but saw null"),
                postgres(
                        "M34",
                        "SEPARATE shares the connection",
                        asking(asked -> asked.inside() && asked.options().propagation() == Propagation.SEPARATE
                                ? asked.options().propagation(Propagation.REUSE)
                                : asked.options()),
                        "NST-03",
                        "rows that others see before the end of the outer one: expected"),
                postgres(
                        "M47",
                        "a scope in a scope is a transaction of its own",
                        asking(asked -> asked.inside() && asked.options().equals(TxOptions.none())
                                ? asked.options().propagation(Propagation.SEPARATE)
                                : asked.options()),
                        "NST-01",
                        "connections taken: expected 1, but saw 2"),
                sqlite(
                        "M48",
                        "MANDATORY begins a transaction where there is none",
                        asking(asked -> asked.options().propagation() == Propagation.MANDATORY
                                ? asked.options().propagation(Propagation.REUSE)
                                : asked.options()),
                        "NST-07",
                        "expected a TxRejectedException, but saw"),
                sqlite(
                        "M49",
                        "a scope is rejected after its body has run",
                        EngineMutants::late,
                        "NST-07b",
                        "committed rows: expected [1, 4], but saw [1, 2, 4]"),
                postgres(
                        "M66",
                        "MANDATORY inside a transaction is one of its own",
                        asking(asked -> asked.inside() && asked.options().propagation() == Propagation.MANDATORY
                                ? asked.options().propagation(Propagation.SEPARATE)
                                : asked.options()),
                        "NST-07c",
                        "committed rows: expected [], but saw [1]"),
                postgres(
                        "M50",
                        "work outside runs inside",
                        EngineMutants::inside,
                        "NST-08",
                        "the current transaction outside: expected null, but saw"),
                sqlite(
                        "M80",
                        "a scope that joined through the handle and failed is forgotten",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                                Propagation asked = options.propagation();
                                return asked == null || asked == Propagation.REUSE
                                        ? applied(body, this)
                                        : super.transact(options, body);
                            }
                        }),
                        "ERR-21",
                        "expected a TxRolledBackException, but saw null"),
                sqlite(
                        "M81",
                        "work is done within the transaction of whoever it is",
                        EngineMutants::hospitable,
                        "SVP-09",
                        "expected a IllegalArgumentException, but saw null"),
                sqlite(
                        "M82",
                        "the data source of a transactor knows of no running transaction",
                        EngineMutants::isolated,
                        "NST-18",
                        "committed rows of the transaction: expected [], but saw [1]"),
                sqlite(
                        "M51",
                        "a scope that failed takes the one around it from the thread",
                        EngineMutants::lost,
                        "NST-12",
                        "the current transaction afterwards: expected"),
                sqlite(
                        "M58",
                        "one thread finds the transaction of another",
                        EngineMutants::shared,
                        "TRP-10",
                        "the current transaction of another thread: expected null, but"));
    }

    private static Transactor forgetful(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::forgetful) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                Tx running = good.current();
                if (running == null || !options.equals(TxOptions.none())) {
                    return super.transact(options, body);
                }
                return applied(body, handle(running));
            }
        };
    }

    private static <T extends @Nullable Object> T applied(TxBody<T> body, Tx tx) {
        try {
            return body.apply(tx);
        } catch (Exception e) {
            throw Facts.<RuntimeException>sneaky(e);
        }
    }

    private static Transactor late(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::late) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                Tx running = good.current();
                if (running != null && options.propagation() == Propagation.ROOT_ONLY) {
                    applied(body, handle(running));
                }
                return super.transact(options, body);
            }
        };
    }

    private static Transactor inside(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::inside) {
            @Override
            public <T extends @Nullable Object> T outside(Work<T> work) {
                try {
                    return work.perform();
                } catch (Exception e) {
                    throw Facts.<RuntimeException>sneaky(e);
                }
            }
        };
    }

    private static Transactor hospitable(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::hospitable) {
            @Override
            public <T extends @Nullable Object> T within(Tx tx, Work<T> work) {
                try {
                    return work.perform();
                } catch (Exception e) {
                    throw Facts.<RuntimeException>sneaky(e);
                }
            }
        };
    }

    private static Transactor isolated(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::isolated) {
            @Override
            public DataSource asDataSource() {
                DataSource ambient = good.asDataSource();
                return JdbcProxy.of(
                        DataSource.class,
                        "of no transaction",
                        (self, method, arguments) -> good.outside(() -> {
                            try {
                                return JdbcProxy.call(ambient, method, arguments);
                            } catch (Throwable e) {
                                throw Facts.<RuntimeException>sneaky(e);
                            }
                        }));
            }
        };
    }

    private static Transactor lost(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::lost) {
            private boolean failed;

            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                boolean root = good.current() == null;
                try {
                    return super.transact(options, body);
                } catch (Throwable e) {
                    failed = !root;
                    throw e;
                }
            }

            @Override
            public @Nullable Tx current() {
                return failed ? null : super.current();
            }
        };
    }

    private static Transactor shared(Transactor engine) {
        AtomicReference<@Nullable Tx> anybodys = new AtomicReference<>();
        return new BrokenTransactor(engine, EngineMutants::shared) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(options, tx -> {
                    Tx before = anybodys.getAndSet(tx);
                    try {
                        return body.apply(tx);
                    } finally {
                        anybodys.set(before);
                    }
                });
            }

            @Override
            public @Nullable Tx current() {
                return anybodys.get();
            }
        };
    }

    private static List<Mutant> ends() {
        return List.of(
                sqlite(
                        "M35",
                        "a joined block is tried again",
                        EngineMutants::retryingJoins,
                        "RTY-07",
                        "expected a TxRejectedException, but saw null"),
                sqlite(
                        "M42",
                        "nothing is ever committed",
                        asking(asked -> asked.inside() || asked.options().completion() != null
                                ? asked.options()
                                : asked.options().completion(Completion.ROLLBACK)),
                        "LIF-01",
                        "rows the observer sees: expected [1], but saw []"),
                sqlite(
                        "M43",
                        "the result of a body is lost",
                        EngineMutants::speechless,
                        "LIF-03",
                        "the result: expected result, but saw null"),
                sqlite(
                        "M57",
                        "what a body throws is wrapped",
                        EngineMutants::wrapping,
                        "LIF-02",
                        "the very object: expected java.lang.Exception: checked, but saw"),
                sqlite(
                        "M44",
                        "the owner's wish to roll back is ignored",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public void setRollbackOnly(String why) {}
                        }),
                        "LIF-04",
                        "does not hold: the unit is rollback-only"),
                sqlite(
                        "M83",
                        "a listener of attempts that fails is not listened to",
                        asking(asked -> {
                            RetryPolicy policy = asked.options().retry();
                            return policy == null
                                    ? asked.options()
                                    : asked.options()
                                            .retry(policy.onAttempt((attempt, failure, delay) -> Facts.thrownBy(
                                                    () -> policy.listener().onAttempt(attempt, failure, delay))));
                        }),
                        "RTY-13",
                        "suppressed: expected [java.lang.IllegalStateException: planned"),
                sqlite(
                        "M87",
                        "of a plan only the beginning is explained",
                        good -> new Terse(good),
                        "DCL-09",
                        "does not hold: 'COMMIT' is in what is explained of {}: SQLite"),
                sqlite(
                        "M98",
                        "before it rolls back the engine looks whether the server is still there",
                        EngineMutants::curious,
                        "DCL-07b",
                        "does not hold: sent for {}: planned [BEGIN IMMEDIATE, select id"),
                sqlite(
                        "M54",
                        "everything is tried again",
                        EngineMutants::retryingEverything,
                        "RTY-03",
                        "attempts of two calls: expected 2, but saw 4"),
                sqlite(
                        "M61",
                        "an error while cleaning up takes the place of the body's",
                        EngineMutants::lastWord,
                        "TRP-22",
                        "what the caller is told: expected"));
    }

    private static final class Terse extends BrokenTransactor {
        Terse(Transactor good) {
            super(good, Terse::new);
        }

        @Override
        public String explain(TxOptions options) {
            return good.explain(options).lines().limit(2).collect(Collectors.joining());
        }
    }

    private static Transactor curious(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::curious) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(options, tx -> {
                    try {
                        return body.apply(tx);
                    } catch (Exception e) {
                        Throwable ignored = Facts.thrownBy(() -> {
                            try (Statement statement = tx.connection().createStatement()) {
                                statement.execute("select 1");
                            }
                        });
                        throw e;
                    }
                });
            }
        };
    }

    private static Transactor retryingJoins(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::retryingJoins) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                if (options.retry() == null || good.current() == null) {
                    return super.transact(options, body);
                }
                try {
                    return super.transact(TxOptions.none(), body);
                } catch (RuntimeException e) {
                    return super.transact(TxOptions.none(), body);
                }
            }
        };
    }

    private static Transactor speechless(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::speechless) {
            @Override
            @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // that is what is broken
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                super.transact(options, body);
                return null;
            }
        };
    }

    private static Transactor wrapping(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::wrapping) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                try {
                    return super.transact(options, body);
                } catch (TxException | TxStateException e) {
                    throw e;
                } catch (Throwable e) {
                    throw new IllegalStateException("The transaction failed", e);
                }
            }
        };
    }

    private static Transactor retryingEverything(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::retryingEverything) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                if (options.retry() == null) {
                    return super.transact(options, body);
                }
                try {
                    return super.transact(options, body);
                } catch (Throwable e) {
                    return super.transact(options, body);
                }
            }
        };
    }

    private static Transactor lastWord(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::lastWord) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                try {
                    return super.transact(options, body);
                } catch (Throwable e) {
                    throw Facts.<RuntimeException>sneaky(e.getSuppressed().length == 0 ? e : e.getSuppressed()[0]);
                }
            }
        };
    }

    private static List<Mutant> options() {
        return List.of(
                postgres(
                        "M52",
                        "what a joined scope asks for is dropped",
                        asking(asked -> asked.inside() && asked.options().propagation() == null
                                ? TxOptions.none()
                                : asked.options()),
                        "OPT-11",
                        "expected a TxException, but saw null"),
                postgres(
                        "M67",
                        "the level that a joined scope asks for is dropped",
                        asking(asked -> asked.inside() && asked.options().isolation() != null
                                ? TxOptions.none()
                                : asked.options()),
                        "OPT-05",
                        "REPEATABLE_READ in READ_UNCOMMITTED: expected class"),
                sqlite(
                        "M68",
                        "an option that nobody knows is dropped",
                        asking(asked ->
                                asked.options().dialectOptions().isEmpty() ? asked.options() : TxOptions.none()),
                        "OPT-10",
                        "expected a TxUnsupportedException, but saw"),
                sqlite(
                        "M69",
                        "a handle tells the options asked for, not those in force",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public TxOptions options() {
                                return TxOptions.none();
                            }
                        }),
                        "OPT-13",
                        "of the root: expected {isolation=SERIALIZABLE, label=default},"),
                sqlite(
                        "M84",
                        "the acquire timeout is taken and ignored",
                        asking(asked -> asked.options().acquireTimeout() == null
                                ? asked.options()
                                : asked.options().acquireTimeout(Duration.ofDays(1))),
                        "TMO-04",
                        "no limit is named by dev.holdfast.tx.TxException: The"),
                sqlite(
                        "M53",
                        "the whole timeout is taken and ignored",
                        asking(asked -> asked.options().wholeTimeout() == null ? asked.options() : TxOptions.none()),
                        "TMO-03",
                        "does not hold: a TxTimeoutException that names WHOLE: null"),
                sqlite(
                        "M55",
                        "the deadline of a retry is taken and ignored",
                        asking(asked -> {
                            RetryPolicy policy = asked.options().retry();
                            return policy == null
                                    ? asked.options()
                                    : asked.options().retry(policy.deadline(Duration.ofDays(1)));
                        }),
                        "RTY-06",
                        "attempts under a deadline that has passed after the first:"));
    }

    private static List<Mutant> handles() {
        return List.of(
                new Mutant(
                        "M28",
                        "a cancel that comes late is passed on, and hits the next statement of the connection",
                        "SQLite",
                        () -> Databases.sqlite()
                                .withSessions(LateCancels::of)
                                .withEngine(unguarded(LateCancels.Session.class)),
                        "CAN-04",
                        "interrupted"),
                sqlite(
                        "M45",
                        "a handle that was kept works on after the end",
                        EngineMutants::undead,
                        "LIF-10",
                        "expected a TxStateException, but saw"),
                sqlite(
                        "M46",
                        "a transaction that sends nothing takes a connection",
                        EngineMutants::eager,
                        "LIF-12",
                        "calls of the driver: expected [], but saw [1 c1 getConnection,"),
                new Mutant(
                        "M97",
                        "what the body sets in its session is its own business",
                        "PostgreSQL",
                        () -> Databases.postgres().withEngine(unguarded(PgConnection.class)),
                        "HYG-02",
                        "complaints of the pool after the network timeout: expected [],"),
                sqlite(
                        "M59",
                        "bodies get the connection itself, without a guard",
                        unguarded(SQLiteConnection.class),
                        "TRP-23b",
                        "the cause of the refusal: expected class"));
    }

    private static UnaryOperator<Transactor> unguarded(Class<? extends Connection> type) {
        return handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
            @Override
            public Connection connection() {
                return Unguarded.of(good.connection(), type);
            }

            @Override
            public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                return good.withConnection(connection -> body.apply(Unguarded.of(connection, type)));
            }
        });
    }

    private static Transactor undead(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::undead) {
            @Override
            Tx handle(Tx tx) {
                return new BrokenTx(tx, this) {
                    @Override
                    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                        return tx.isActive() ? tx.withConnection(body) : engine.withConnection(body);
                    }
                };
            }

            @Override
            UnmanagedTx unmanaged(UnmanagedTx tx) {
                return new BrokenUnmanagedTx(tx, this) {
                    @Override
                    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                        return tx.isActive() ? tx.withConnection(body) : engine.withConnection(body);
                    }
                };
            }
        };
    }

    private static Transactor eager(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::eager) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(options, tx -> body.apply(tx.open()));
            }
        };
    }

    /** Every unmanaged transaction is broken like this. */
    private static UnaryOperator<Transactor> unmanaged(Function<Begun, UnmanagedTx> change) {
        return good -> new BrokenTransactor(good, other -> unmanaged(change).apply(other)) {
            @Override
            UnmanagedTx unmanaged(UnmanagedTx tx) {
                return change.apply(new Begun(tx, this));
            }
        };
    }

    /** An unmanaged transaction that is about to be broken, and whose. */
    private record Begun(UnmanagedTx tx, BrokenTransactor owner) {}

    private static List<Mutant> unmanaged() {
        return List.of(
                sqlite(
                        "M63",
                        "a second end of an unmanaged transaction is taken",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                if (begun.tx().isActive()) {
                                    begun.tx().commit();
                                }
                            }

                            @Override
                            public void rollback() {
                                if (begun.tx().isActive()) {
                                    begun.tx().rollback();
                                }
                            }
                        }),
                        "UNM-03",
                        "expected a TxStateException, but saw null"),
                sqlite(
                        "M64",
                        "the commit of an unmanaged transaction that cannot be committed says nothing",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                try {
                                    begun.tx().commit();
                                } catch (TxRolledBackException e) {
                                    // that is what is broken
                                }
                            }
                        }),
                        "UNM-04",
                        "expected a TxRolledBackException, but saw null"),
                sqlite(
                        "M70",
                        "the commit of an unmanaged transaction rolls back",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                begun.tx().rollback();
                            }
                        }),
                        "UNM-01",
                        "committed rows: expected [1], but saw []"),
                postgres(
                        "M95",
                        "what an unmanaged transaction changed is undone by its commit",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public void commit() {
                                begun.tx().rollback();
                            }
                        }),
                        "ISO-09",
                        "forbidden"),
                sqlite(
                        "M71",
                        "an unmanaged transaction is bound to the thread that began it",
                        unmanaged(begun -> {
                            Thread beginner = Thread.currentThread();
                            return new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                                @Override
                                public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                                    if (Thread.currentThread() != beginner) {
                                        throw new TxStateException("This transaction belongs to " + beginner);
                                    }
                                    return super.transact(options, body);
                                }
                            };
                        }),
                        "UNM-06",
                        "This transaction belongs to"),
                sqlite(
                        "M72",
                        "a scope that joined an unmanaged transaction and failed is forgotten",
                        unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
                            @Override
                            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                                return applied(body, this);
                            }
                        }),
                        "UNM-08",
                        "does not hold: it is rollback-only"),
                sqlite(
                        "M65",
                        "a transaction begun inside another joins it",
                        EngineMutants::joiningBegins,
                        "UNM-10",
                        "committed rows: expected [1], but saw []"));
    }

    private static Transactor joiningBegins(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::joiningBegins) {
            @Override
            public UnmanagedTx begin(TxOptions options) {
                Tx running = good.current();
                return running == null ? super.begin(options) : new Joined(running, this);
            }
        };
    }

    /** A transaction that only seems to be of its own. */
    private static final class Joined extends BrokenTx implements UnmanagedTx {
        Joined(Tx good, BrokenTransactor owner) {
            super(good, owner);
        }

        @Override
        public void commit() {}

        @Override
        public void rollback() {
            setRollbackOnly("rolled back");
        }

        @Override
        public void close() {}
    }

    private static List<Mutant> connections() {
        return List.of(sqlite(
                "M60",
                "a lent connection is not known to the engine",
                EngineMutants::unknownLoans,
                "TRP-26",
                "SQLException 25000/0: setAutoCommit(false) on a connection of"));
    }

    private static Transactor unknownLoans(Transactor engine) {
        return new BrokenTransactor(engine, EngineMutants::unknownLoans) {
            @Override
            public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                if (good.current() != null) {
                    return super.withConnection(body);
                }
                return good.withConnection(connection -> {
                    connection.unwrap(Connection.class).setAutoCommit(false);
                    return body.apply(connection);
                });
            }
        };
    }
}
