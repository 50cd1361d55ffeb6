package dev.holdfast.tx.mutants;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Dialects and engines that take errors for what they are not, or do not find them. */
final class ErrorMutants {
    private ErrorMutants() {}

    static List<Mutant> all() {
        return List.of(
                sqlite(
                        "M73",
                        "no error is known",
                        classifying(failure ->
                                Failure.of(failure.error(), FailureKind.OTHER).effect(FailureEffect.NONE)),
                        "CON-04",
                        "the kind told by the transaction: expected CHECK, but saw OTHER"),
                sqlite(
                        "M74",
                        "every error passes for a conflict that may be tried again",
                        classifying(failure -> Failure.of(failure.error(), FailureKind.SERIALIZATION)
                                .effect(failure.effect())
                                .atCommit(failure.atCommit())),
                        "ERR-10",
                        "does not hold: SERIALIZATION"),
                postgres(
                        "M75",
                        "an error without a SQLState is more than the classification can bear",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Failure classify(SQLException error, Moment moment, Profile profile) {
                                String state = Objects.requireNonNull(error.getSQLState(), "no SQLState");
                                return state.startsWith("QQ")
                                        ? Failure.of(error, FailureKind.OTHER)
                                        : super.classify(error, moment, profile);
                            }
                        },
                        "ERR-16",
                        "the dialect does not classify java.sql.SQLException: made by a"),
                postgres(
                        "M100",
                        "a text that is too long is an error like any other",
                        classifying(failure -> failure.kind() == FailureKind.DATA
                                ? Failure.of(failure.error(), FailureKind.OTHER).effect(failure.effect())
                                : failure),
                        "CON-05",
                        "the kind told by the transaction: expected DATA, but saw OTHER"),
                postgres(
                        "M79",
                        "an error that dooms its transaction passes for one of its statement",
                        classifying(failure -> failure.effect(FailureEffect.NONE)),
                        "TRP-02",
                        "whether the unit is rollback-only: expected true, but saw false"),
                sqlite(
                        "M99",
                        "a statement that was cancelled is an error like any other",
                        classifying(failure -> failure.kind() == FailureKind.CANCELLED
                                ? Failure.of(failure.error(), FailureKind.OTHER)
                                        .effect(failure.effect())
                                        .atCommit(CommitFate.UNKNOWN)
                                : failure),
                        "CAN-04b",
                        "the kind: expected CANCELLED, but saw OTHER"),
                engine(
                        "M76",
                        "an error that was wrapped is not looked for",
                        ErrorMutants::shallow,
                        "ERR-14",
                        "the kind of what is behind java.lang.IllegalStateException: a"),
                engine(
                        "M77",
                        "causes are followed without an end",
                        ErrorMutants::endless,
                        "ERR-14b",
                        "java.util.concurrent.ExecutionException:"));
    }

    private static Mutant sqlite(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withDialect(change), killer, says);
    }

    private static Mutant postgres(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "PostgreSQL", () -> Databases.postgres().withDialect(change), killer, says);
    }

    private static Mutant engine(String id, String what, UnaryOperator<Transactor> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withEngine(change), killer, says);
    }

    private static UnaryOperator<Dialect> classifying(UnaryOperator<Failure> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Failure classify(SQLException error, Moment moment, Profile profile) {
                return change.apply(super.classify(error, moment, profile));
            }
        };
    }

    private static Transactor shallow(Transactor engine) {
        return new BrokenTransactor(engine, ErrorMutants::shallow) {
            @Override
            public @Nullable Failure classify(Throwable error) {
                return error instanceof SQLException ? good.classify(error) : null;
            }
        };
    }

    private static Transactor endless(Transactor engine) {
        return new BrokenTransactor(engine, ErrorMutants::endless) {
            @Override
            public @Nullable Failure classify(Throwable error) {
                if (error instanceof SQLException) {
                    return good.classify(error);
                }
                return error.getCause() == null ? null : classify(error.getCause());
            }
        };
    }
}
