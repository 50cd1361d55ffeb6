package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.handles;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.Facts;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Engines with something wrong about hooks. */
final class HookMutants {
    private HookMutants() {}

    static List<Mutant> all() {
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
                        HookMutants::sticky,
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
        return new BrokenTransactor(engine, HookMutants::sticky) {
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
}
