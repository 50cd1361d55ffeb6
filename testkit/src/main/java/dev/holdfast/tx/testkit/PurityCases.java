package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A dialect holds no state, and does nothing that it does not say (DCL-05, DCL-07, DCL-10). */
final class PurityCases {
    private static final int THREADS = 8;

    private PurityCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "DCL-05",
                        "TX-1306",
                        "one dialect answers for several databases and threads as it does for one",
                        run -> {
                            Dialect shared = run.database().dialect();
                            LiveProfile live =
                                    LiveProfile.asked(shared, run.database().sessions());
                            List<LiveProfile> databases = List.of(
                                    live,
                                    new LiveProfile(offAutocommit(live.identity()), live.answers(), live.profile()),
                                    new LiveProfile(
                                            shared.typicalProfile().identity(), live.answers(), live.profile()));
                            List<List<String>> alone = new ArrayList<>();
                            for (LiveProfile database : databases) {
                                alone.add(answers(fresh(shared), database));
                            }
                            holds(() -> !alone.get(0).equals(alone.get(1)), "the databases are told apart");
                            List<CompletableFuture<@Nullable Void>> working = new ArrayList<>();
                            for (int thread = 0; thread < THREADS; thread++) {
                                int first = thread;
                                working.add(Threads.run(() -> {
                                    for (int i = 0; i < databases.size(); i++) {
                                        int one = (first + i) % databases.size();
                                        equal(
                                                alone.get(one),
                                                answers(shared, databases.get(one)),
                                                "answers for database " + one);
                                    }
                                }));
                            }
                            for (CompletableFuture<@Nullable Void> thread : working) {
                                thread.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                            }
                        }),
                ConformanceCase.of(
                        "DCL-07", "TX-1307", "a transaction sends what was planned for it and nothing else", run -> {
                            PlannedStatements.commits(run);
                        }),
                ConformanceCase.of(
                        "DCL-07b",
                        "TX-1307",
                        "a transaction that fails sends the plan's way back and nothing else",
                        run -> {
                            PlannedStatements.aborts(run);
                        }),
                ConformanceCase.of(
                        "DCL-07c",
                        "TX-1307",
                        "a nested scope sends its savepoint and nothing else",
                        Feature.SAVEPOINTS,
                        PlannedStatements::nests),
                ConformanceCase.of(
                        "DCL-10", "TX-1310", "the plan's commit commits and leaves the session as found", run -> {
                            PlansByHand.commit(run);
                        }),
                ConformanceCase.of(
                        "DCL-10b",
                        "TX-1310",
                        "the plan's way back is right however far the beginning came, and twice",
                        PlansByHand::abortHalfBegun),
                ConformanceCase.of(
                        "DCL-10c",
                        "TX-1310",
                        "the plan's way back is right in a transaction with work in it, and twice",
                        PlansByHand::abortOpen),
                ConformanceCase.of(
                        "DCL-10d",
                        "TX-1310",
                        "the plan's way back is right after an error, and twice",
                        PlansByHand::abortFailed),
                ConformanceCase.of(
                        "DCL-10e",
                        "TX-1310",
                        "the plan's way back undoes nothing of a transaction that has ended",
                        PlansByHand::abortEnded));
    }

    private static Dialect fresh(Dialect dialect) throws ReflectiveOperationException {
        try {
            return dialect.getClass().getConstructor().newInstance();
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return dialect; // that it can be made is shown elsewhere
        }
    }

    private static Identity offAutocommit(Identity identity) {
        return new Identity(
                        identity.product(),
                        identity.productVersion(),
                        identity.driver(),
                        identity.driverVersion(),
                        identity.url(),
                        Autocommit.OFF)
                .driverAccess(identity.driverAccess());
    }

    /** All that a dialect says of a database, as text. */
    private static List<String> answers(Dialect dialect, LiveProfile database) {
        List<String> said = new ArrayList<>();
        Profile profile = dialect.profile(database.identity(), database.answers());
        said.add(dialect.accepts(database.identity()) + " " + dialect.probe(database.identity()));
        said.add(profile + " " + profile.features() + profile.levels() + profile.options() + profile.facts());
        for (TxOptions options : OptionSets.aloneAndInPairs(profile)) {
            said.add(said(() -> dialect.plan(Wish.of(options), profile).describe()));
        }
        for (Feature feature : Feature.values()) {
            if (Ask.canAskFor(feature) && Ask.of(feature) instanceof Ask.ByLock byLock) {
                said.add(said(() -> dialect.lock(byLock.lock(), Wish.of(TxOptions.none()), profile)
                        .toString()));
            }
        }
        said.add(said(() -> dialect.savepoints(profile).set("hf_1") + " | "
                + dialect.savepoints(profile).rollbackTo("hf_1") + " | "
                + dialect.savepoints(profile).release("hf_1")));
        return said;
    }

    private static String said(java.util.function.Supplier<String> answer) {
        try {
            return answer.get();
        } catch (TxUnsupportedException refused) {
            return "refused: " + refused.getMessage();
        }
    }
}
