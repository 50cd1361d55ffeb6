package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.asking;
import static dev.holdfast.tx.mutants.EngineMutants.handles;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.testkit.Facts;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Engines that end transactions badly, and try again what they should not. */
final class EndMutants {
    private EndMutants() {}

    static List<Mutant> all() {
        return List.of(
                sqlite(
                        "M35",
                        "a joined block is tried again",
                        EndMutants::retryingJoins,
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
                        EndMutants::speechless,
                        "LIF-03",
                        "the result: expected result, but saw null"),
                sqlite(
                        "M57",
                        "what a body throws is wrapped",
                        EndMutants::wrapping,
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
                        "does not hold: '<waits for locks as before>' is in what is explained of {}: SQLite"),
                sqlite(
                        "M98",
                        "before it rolls back the engine looks whether the server is still there",
                        EndMutants::curious,
                        "DCL-07b",
                        "does not hold: sent for {}: planned [<native>, BEGIN IMMEDIATE, select id"),
                sqlite(
                        "M54",
                        "everything is tried again",
                        EndMutants::retryingEverything,
                        "RTY-03",
                        "attempts of two calls: expected 2, but saw 4"),
                sqlite(
                        "M61",
                        "an error while cleaning up takes the place of the body's",
                        EndMutants::lastWord,
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
        return new BrokenTransactor(engine, EndMutants::curious) {
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
        return new BrokenTransactor(engine, EndMutants::retryingJoins) {
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
        return new BrokenTransactor(engine, EndMutants::speechless) {
            @Override
            @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // that is what is broken
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                super.transact(options, body);
                return null;
            }
        };
    }

    private static Transactor wrapping(Transactor engine) {
        return new BrokenTransactor(engine, EndMutants::wrapping) {
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
        return new BrokenTransactor(engine, EndMutants::retryingEverything) {
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
        return new BrokenTransactor(engine, EndMutants::lastWord) {
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
}
