package dev.holdfast.tx.mutants;

import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Lost commits that are settled wrongly. */
final class SettleMutants {
    private SettleMutants() {}

    static List<Mutant> all() {
        return List.of(
                new Mutant(
                        "M160",
                        "a transaction that is still open passes for one that was rolled back",
                        "PostgreSQL",
                        () -> Databases.postgres()
                                .withDialect(asking(question -> Plans.rewritten(
                                        question,
                                        sql -> "SELECT CASE WHEN o = 'in progress' THEN 'aborted' ELSE o END FROM ("
                                                + sql + ") t (o)"))),
                        "STL-05.W",
                        "committed rows when the caller was told"),
                sqlite(
                        "M161",
                        "a marker row that is not there passes for a rollback, while COMMIT is on its way",
                        asking(question -> Plans.rewritten(
                                Plans.without(question, Plans.saying("INSERT")),
                                sql -> "SELECT coalesce((" + sql + "), 'aborted')")),
                        "STL-05.W",
                        "committed rows when the caller was told"),
                sqlite(
                        "M162",
                        "whatever is lost passes for done",
                        asking(question -> Message.each(Step.query("SELECT 'committed'", Settlement.OUTCOME))),
                        "RTY-09",
                        "runs of the body, which was not committed the first time: expected 3, but saw 2"),
                sqlite(
                        "M163",
                        "no marker row is written",
                        planning(plan -> Plans.endWithout(plan, Plans.saying("'committed'"))),
                        "RTY-09",
                        "runs of the body, which was committed: expected 1, but saw"),
                sqlite(
                        "M164",
                        "marker rows are never deleted",
                        planning(plan -> Plans.endWithout(plan, Plans.saying("DELETE FROM main.holdfast_marker"))),
                        "STL-08",
                        "rows after ten commits, one after the other: expected [1], but saw [10]"));
    }

    private static Mutant sqlite(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withDialect(change), killer, says);
    }

    private static UnaryOperator<Dialect> planning(UnaryOperator<TxPlan> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                return change.apply(super.plan(wish, profile));
            }
        };
    }

    private static UnaryOperator<Dialect> asking(UnaryOperator<Message> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Optional<Settlement> settlement(Profile profile) {
                return super.settlement(profile)
                        .map(settled -> new Settlement(change.apply(settled.question()), settled.markers()));
            }
        };
    }
}
