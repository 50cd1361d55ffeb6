package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.Verdict;
import dev.holdfast.tx.testkit.interleaving.Pace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Steps that begin late by chance, and are taken to wait after 20 milliseconds, make isolation cases inconclusive. They do
 * not make them fail.
 */
class RecklessPaceTest {
    private static final Pace RECKLESS = Pace.reckless(Duration.ofMillis(20), Duration.ofMillis(150));
    /** At the same time: almost all they do is to wait. */
    private static final int AT_ONCE = 8;

    @Test
    void wrongTimingAccusesNobody() throws Exception {
        Suite suite = Suite.of(
                new PostgresUnderTest(18),
                Conformance.isolation(RECKLESS).stream()
                        .filter(one -> one.needs().level() == Isolation.SERIALIZABLE)
                        .toList());
        Queue<ConformanceCase> left = new ConcurrentLinkedQueue<>(suite.cases());
        List<CompletableFuture<?>> players = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            players.add(Threads.run(() -> {
                for (ConformanceCase next = left.poll(); next != null; next = left.poll()) {
                    suite.run(next);
                }
            }));
        }
        CompletableFuture.allOf(players.toArray(new CompletableFuture<?>[0])).get(5, TimeUnit.MINUTES);

        assertThat(suite.results()).hasSameSizeAs(suite.cases());
        assertThat(suite.results())
                .filteredOn(result -> result.verdict() == Verdict.FAIL)
                .extracting(CaseResult::detail)
                .isEmpty();
        assertThat(suite.results())
                .as("cases that showed something all the same")
                .anyMatch(result ->
                        result.verdict() == Verdict.PASS && result.notes().containsKey("anomaly"));
    }
}
