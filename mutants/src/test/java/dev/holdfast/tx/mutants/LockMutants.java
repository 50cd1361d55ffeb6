package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.postgres;
import static dev.holdfast.tx.mutants.UnmanagedMutants.unmanaged;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Row locks that are lost in a common table expression, and limits that outlive their lock. */
final class LockMutants {
    private LockMutants() {}

    static List<Mutant> all() {
        return List.of(
                postgres(
                        "M152",
                        "the lock of a common table expression is put behind the whole select",
                        inExpressions(text -> text.replaceFirst("( FOR [A-Z ]+)\\)(.*)$", ")$2$1")),
                        "LCK-28a",
                        "was done while S1 held the lock"),
                postgres(
                        "M153",
                        "the lock of a common table expression is put before its condition",
                        inExpressions(text -> text.replaceFirst("( where [^)]*?)( FOR [A-Z ]+)\\)", "$2$1)")),
                        "LCK-28a",
                        "a lock is taken in a common table expression"),
                postgres(
                        "M154",
                        "what is joined with a common table expression is not locked",
                        inExpressions(text -> text.replaceFirst(" FOR UPDATE$", "")),
                        "LCK-28b",
                        "was done while S1 held the lock"),
                postgres(
                        "M155",
                        "NOWAIT waits in a common table expression",
                        inExpressions(text -> text.replace(" NOWAIT", "")),
                        "LCK-28c",
                        "NOWAIT never waits for a row lock"),
                postgres(
                        "M156",
                        "SKIP LOCKED waits in a common table expression",
                        inExpressions(text -> text.replace(" SKIP LOCKED", "")),
                        "LCK-28d",
                        "a lock that skips waits for nobody"),
                postgres(
                        "M157",
                        "a limit on waiting is not kept in a common table expression",
                        inExpressions(text -> text + " "), // nothing is planned for that text
                        "LCK-28e",
                        "still waits after"),
                new Mutant(
                        "M158",
                        "the limit of a lock that was not had is left in the session by the rollback",
                        "PostgreSQL",
                        () -> Databases.postgres().withDialect(LeftLimit::new),
                        "LCK-31b",
                        "which has no limit, failed by that of the lock before it"));
    }

    private static UnaryOperator<Transactor> inExpressions(UnaryOperator<String> change) {
        return unmanaged(begun -> new BrokenUnmanagedTx(begun.tx(), begun.owner()) {
            @Override
            public String lock(RowLock lock, String template) {
                String text = good.lock(lock, template);
                return template.startsWith("with ") ? change.apply(text) : text;
            }
        });
    }

    private static final class LeftLimit extends BrokenDialect {
        private volatile @Nullable Duration last;

        LeftLimit(Dialect good) {
            super(good);
        }

        @Override
        public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
            if (lock.limit() != null) {
                last = lock.limit();
            }
            return super.lock(lock, inForce, profile);
        }

        @Override
        public TxPlan plan(Wish wish, Profile profile) {
            TxPlan plan = super.plan(wish, profile);
            List<Step> abort = new ArrayList<>(plan.abort().steps());
            abort.add(new Step.Native("the limit stays", connection -> {
                Duration limit = last;
                if (limit != null) {
                    try (Statement statement = connection.createStatement()) {
                        statement.execute("SET lock_timeout = " + limit.toMillis());
                        if (!connection.getAutoCommit()) {
                            connection.commit();
                        }
                    }
                }
            }));
            return Plans.withAbort(plan, new Message(plan.abort().travel(), abort));
        }
    }
}
