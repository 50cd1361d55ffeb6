package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.applied;
import static dev.holdfast.tx.mutants.EngineMutants.asking;
import static dev.holdfast.tx.mutants.EngineMutants.handles;
import static dev.holdfast.tx.mutants.EngineMutants.postgres;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.Work;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Engines that mix up scopes: who joins whom, who is separate, and which one is current. */
final class ScopeMutants {
    private ScopeMutants() {}

    static List<Mutant> all() {
        return List.of(
                sqlite(
                        "M33",
                        "a joined scope that failed is forgotten when its error is caught",
                        ScopeMutants::forgetful,
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
                        ScopeMutants::late,
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
                        ScopeMutants::inside,
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
                        ScopeMutants::hospitable,
                        "SVP-09",
                        "expected a IllegalArgumentException, but saw null"),
                sqlite(
                        "M82",
                        "the data source of a transactor knows of no running transaction",
                        ScopeMutants::isolated,
                        "NST-18",
                        "committed rows of the transaction: expected [], but saw [1]"),
                sqlite(
                        "M51",
                        "a scope that failed takes the one around it from the thread",
                        ScopeMutants::lost,
                        "NST-12",
                        "the current transaction afterwards: expected"),
                sqlite(
                        "M58",
                        "one thread finds the transaction of another",
                        ScopeMutants::shared,
                        "TRP-10",
                        "the current transaction of another thread: expected null, but"));
    }

    private static Transactor forgetful(Transactor engine) {
        return new BrokenTransactor(engine, ScopeMutants::forgetful) {
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

    private static Transactor late(Transactor engine) {
        return new BrokenTransactor(engine, ScopeMutants::late) {
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
        return new BrokenTransactor(engine, ScopeMutants::inside) {
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
        return new BrokenTransactor(engine, ScopeMutants::hospitable) {
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
        return new BrokenTransactor(engine, ScopeMutants::isolated) {
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
        return new BrokenTransactor(engine, ScopeMutants::lost) {
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
        return new BrokenTransactor(engine, ScopeMutants::shared) {
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
}
