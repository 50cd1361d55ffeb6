package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TestHooks;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One run of the catalogue against one database; front ends ask it for the cases, and have it run each. */
public final class Suite {
    private static final int MOST_ATTEMPTS = 3;

    private final DatabaseUnderTest database;
    private final Profile profile;
    private final List<ConformanceCase> cases;
    private final List<CaseResult> results = new ArrayList<>();

    private Suite(DatabaseUnderTest database, Profile profile, List<ConformanceCase> cases) {
        this.database = database;
        this.profile = profile;
        this.cases = List.copyOf(cases);
    }

    /**
     * A run of these cases, or of those of them that {@code -Dholdfast.case} names: ids or their beginnings, with commas.
     *
     * @throws SQLException if the database cannot be asked what it is
     * @throws IllegalArgumentException if {@code holdfast.case} names none of the cases, or a waiver names no case
     */
    public static Suite of(DatabaseUnderTest database, List<ConformanceCase> cases) throws SQLException {
        for (Waiver waiver : database.waivers()) {
            if (Stream.concat(cases.stream(), Conformance.cases().stream())
                    .noneMatch(one -> one.id().equals(waiver.id()))) {
                throw new IllegalArgumentException("There is no case " + waiver.id() + " for " + waiver);
            }
        }
        Profile profile = LiveProfile.of(database);
        makeMarkerTable(database, profile);
        return new Suite(database, profile, chosen(cases, System.getProperty("holdfast.case")));
    }

    /** What is verifiable may need a table; it is left there. */
    private static void makeMarkerTable(DatabaseUnderTest database, Profile profile) throws SQLException {
        MarkerTable table =
                database.dialect().settlement(profile).map(Settlement::markers).orElse(null);
        if (table == null) {
            return;
        }
        try (Connection session = database.sessions().getConnection();
                Statement statement = session.createStatement()) {
            try {
                statement.execute("select id from " + table.name() + " where 1 = 0");
            } catch (SQLException notThere) {
                statement.execute(table.ddl());
            }
        }
    }

    private static List<ConformanceCase> chosen(List<ConformanceCase> cases, @Nullable String names) {
        if (names == null || names.isBlank()) {
            return cases;
        }
        List<ConformanceCase> chosen = cases.stream()
                .filter(one -> List.of(names.trim().split("\\s*,\\s*")).stream().anyMatch(one.id()::startsWith))
                .toList();
        if (chosen.isEmpty()) {
            throw new IllegalArgumentException("No case has an id that begins with any of '" + names + "'");
        }
        return chosen;
    }

    /** The cases, in the order of the catalogue. */
    public List<ConformanceCase> cases() {
        return cases;
    }

    /** What is under test. */
    public DatabaseUnderTest database() {
        return database;
    }

    /** What the dialect says of the database. */
    public Profile profile() {
        return profile;
    }

    /** What became of the cases that were run so far, in that order. */
    public synchronized List<CaseResult> results() {
        return List.copyOf(results);
    }

    /** Runs a case, and remembers what became of it. Never throws what the case throws. */
    public CaseResult run(ConformanceCase one) {
        long begun = System.nanoTime();
        CaseResult result = once(one, 1, begun);
        for (int attempt = 2; attempt <= MOST_ATTEMPTS && result.verdict() == Verdict.INCONCLUSIVE; attempt++) {
            result = once(one, attempt, begun);
        }
        result = waived(result);
        synchronized (this) {
            results.add(result);
        }
        return result;
    }

    private CaseResult once(ConformanceCase one, int attempt, long begun) {
        CaseRun run = new CaseRun(database, profile, attempt);
        Verdict verdict;
        String detail;
        Throwable thrown = null;
        try {
            detail = watched(run, () -> shown(one, run));
            verdict = detail.isEmpty() ? run.verdict() : Verdict.REFUSED;
        } catch (Inconclusive e) {
            verdict = Verdict.INCONCLUSIVE;
            detail = String.valueOf(e.getMessage());
        } catch (Untested e) {
            verdict = Verdict.UNTESTED;
            detail = String.valueOf(e.getMessage());
        } catch (Throwable e) {
            verdict = Verdict.FAIL;
            thrown = e;
            detail = FailureText.of(one, run, e);
        }
        Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
        return new CaseResult(one, verdict, detail, run.notes(), attempt, lasted, thrown);
    }

    /** Shows the case, or that what it needs is refused; answers what was refused, or nothing. */
    private String shown(ConformanceCase one, CaseRun run) throws Exception {
        Feature missing = one.needs().features().stream()
                .sorted()
                .filter(feature -> !profile.has(feature))
                .findFirst()
                .orElse(null);
        if (missing != null) {
            return Refusals.of(missing).show(run, one);
        }
        if (one.needs().level() != null
                && !profile.levels().containsKey(one.needs().level())) {
            return Refusals.of(one.needs().level()).show(run, one);
        }
        TestHooks hooks = database.dialect().testHooks(profile);
        for (Means means : one.needs().means()) {
            if (!means.isThere(run, hooks)) {
                throw new Untested(means.whyNot());
            }
        }
        one.body().show(run);
        return "";
    }

    /** Does this on a thread of its own and gives up on it after a while; closes the run in any case. */
    private static String watched(CaseRun run, java.util.concurrent.Callable<String> work) throws Throwable {
        CompletableFuture<Thread> runner = new CompletableFuture<>();
        CompletableFuture<String> result = Threads.supply(() -> {
            runner.complete(Thread.currentThread());
            try (run) {
                return work.call();
            }
        });
        try {
            return result.get(Patience.wholeCase().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() == null ? e : e.getCause();
        } catch (TimeoutException e) {
            AssertionError hangs =
                    new AssertionError("still running after " + Patience.wholeCase() + "; threads:\n" + threads());
            runner.join().interrupt();
            throw hangs;
        }
    }

    private static String threads() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Thread, StackTraceElement[]> thread :
                Thread.getAllStackTraces().entrySet()) {
            if (thread.getKey().isDaemon() && thread.getValue().length < 4) {
                continue;
            }
            text.append(thread.getKey()).append('\n');
            for (StackTraceElement line : thread.getValue()) {
                text.append("    ").append(line).append('\n');
            }
        }
        return text.toString();
    }

    private CaseResult waived(CaseResult result) {
        Waiver waiver = database.waivers().stream()
                .filter(one -> one.id().equals(result.conformanceCase().id()))
                .findFirst()
                .orElse(null);
        if (waiver == null) {
            return result;
        }
        if (waiver.until().isBefore(LocalDate.now(ZoneOffset.UTC))) {
            return judged(
                    result,
                    Verdict.FAIL,
                    "The waiver ended on " + waiver.until() + ": " + waiver + "\n" + result.detail());
        }
        return switch (result.verdict()) {
            case FAIL -> judged(result, Verdict.WAIVED, waiver.reason() + " (" + waiver.issue() + ")");
            // at several levels of which some fail, those that pass do not need the waiver, and say nothing about it
            case PASS ->
                result.conformanceCase().needs().level() != null
                        ? result
                        : judged(result, Verdict.FAIL, "It passes: the waiver is not needed any more: " + waiver);
            default -> result;
        };
    }

    private static CaseResult judged(CaseResult from, Verdict verdict, String detail) {
        return new CaseResult(
                from.conformanceCase(), verdict, detail, from.notes(), from.attempts(), from.lasted(), from.thrown());
    }
}
