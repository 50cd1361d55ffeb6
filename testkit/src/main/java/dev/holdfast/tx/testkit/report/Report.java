package dev.holdfast.tx.testkit.report;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Chapter;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Rule;
import dev.holdfast.tx.testkit.Specification;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a run of the suite found. Immutable; all renderings are made from it.
 *
 * @param name of the database under test, as its author calls it
 * @param variant that tells it from others on the same server; may be empty
 * @param dialect by its name
 * @param dialectClass that was under test
 * @param server flavour and version, such as {@code PostgreSQL 18.6}
 * @param identity what JDBC says of the database
 * @param frontEnd that ran the cases
 * @param date of the run
 * @param environment that the run was made in, by name
 * @param features that the dialect declares for this server
 * @param options of the dialect's own
 * @param levels that it takes: what the server makes of them
 * @param results of the cases, in the order of the catalogue
 * @param cases how many the catalogue has
 */
public record Report(
        String name,
        String variant,
        String dialect,
        String dialectClass,
        String server,
        Identity identity,
        String frontEnd,
        LocalDate date,
        Map<String, String> environment,
        List<Feature> features,
        List<String> options,
        List<IsolationLevel> levels,
        List<CaseResult> results,
        int cases) {
    /** More of the cases than this must have come to where they show something. */
    private static final double MOST_INCONCLUSIVE = 0.1;

    /** What may be said of the dialect after the run. */
    public enum Claim {
        /** All cases that say something about this database were run, and hold; a few may have been inconclusive. */
        CONFORMANT,
        /** None failed, but some are waived or were not run, or many were inconclusive. */
        PARTIAL,
        /** At least one case failed. */
        FAILED;

        /** As a badge says it. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A level that the dialect takes.
     *
     * @param level asked for
     * @param nativeName what the server calls the level it gives
     * @param model what it is claimed to be
     * @param isDefault whether it is the level of transactions that ask for none
     */
    public record IsolationLevel(Isolation level, String nativeName, String model, boolean isDefault) {}

    /** Copies the collections. */
    public Report {
        environment = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(environment));
        features = List.copyOf(features);
        options = List.copyOf(options);
        levels = List.copyOf(levels);
        results = List.copyOf(results);
    }

    /** What a run has found so far. */
    public static Report of(Suite suite, String frontEnd) {
        var profile = suite.profile();
        var dialect = suite.database().dialect();
        List<IsolationLevel> levels = new ArrayList<>();
        profile.levels()
                .forEach((level, native_) -> levels.add(new IsolationLevel(
                        level, native_.nativeName(), native_.model().name(), level == profile.defaultIsolation())));
        return new Report(
                suite.database().name(),
                suite.database().variant(),
                dialect.name(),
                dialect.getClass().getName(),
                profile.server(),
                profile.identity(),
                frontEnd,
                LocalDate.now(ZoneOffset.UTC),
                Environment.now(suite),
                List.copyOf(profile.features()),
                profile.options().stream().map(option -> option.name()).sorted().toList(),
                levels,
                suite.results(),
                Conformance.cases().size());
    }

    /** What may be said. */
    public Claim claim() {
        if (count(Verdict.FAIL) > 0) {
            return Claim.FAILED;
        }
        boolean whole = results.size() >= cases
                && count(Verdict.WAIVED) == 0
                && count(Verdict.INCONCLUSIVE) <= MOST_INCONCLUSIVE * results.size();
        return whole ? Claim.CONFORMANT : Claim.PARTIAL;
    }

    /** How many cases have this verdict. */
    public long count(Verdict verdict) {
        return results.stream().filter(one -> one.verdict() == verdict).count();
    }

    /** How many cases of each chapter have which verdict. */
    public Map<Chapter, Map<Verdict, Integer>> chapters() {
        Map<Chapter, Map<Verdict, Integer>> chapters = new EnumMap<>(Chapter.class);
        for (CaseResult one : results) {
            chapters.computeIfAbsent(one.conformanceCase().chapter(), any -> new EnumMap<>(Verdict.class))
                    .merge(one.verdict(), 1, Integer::sum);
        }
        return chapters;
    }

    /** The results that have this verdict. */
    public List<CaseResult> with(Verdict verdict) {
        return results.stream().filter(one -> one.verdict() == verdict).toList();
    }

    /** What was found about each rule of the specification that cases are about. */
    public List<RuleResult> rules() {
        List<RuleResult> rules = new ArrayList<>();
        for (Rule rule : Specification.rules()) {
            List<CaseResult> about = results.stream()
                    .filter(one -> one.conformanceCase().rule().equals(rule.id()))
                    .toList();
            rules.add(new RuleResult(rule, worst(about), about));
        }
        return rules;
    }

    /**
     * What was found about a rule.
     *
     * @param rule of the specification
     * @param verdict the worst of its cases; null if no case is about it
     * @param results of its cases
     */
    public record RuleResult(Rule rule, @Nullable Verdict verdict, List<CaseResult> results) {}

    private static @Nullable Verdict worst(List<CaseResult> results) {
        for (Verdict verdict : List.of(
                Verdict.FAIL,
                Verdict.WAIVED,
                Verdict.INCONCLUSIVE,
                Verdict.PASS,
                Verdict.REFUSED,
                Verdict.INFO,
                Verdict.UNTESTED)) {
            if (results.stream().anyMatch(one -> one.verdict() == verdict)) {
                return verdict;
            }
        }
        return null;
    }

    /** The columns of the isolation matrix: the anomalies that were tried at any level, in the order of the catalogue. */
    public List<String> anomalies() {
        return results.stream()
                .filter(Report::isAboutAnomaly)
                .map(one -> one.notes().getOrDefault("anomaly", ""))
                .distinct()
                .toList();
    }

    /** What was seen of an anomaly at a level; empty if it was not tried there. */
    public List<CaseResult> cell(Isolation level, String anomaly) {
        Predicate<CaseResult> here =
                one -> level == one.conformanceCase().needs().level()
                        && anomaly.equals(one.notes().get("anomaly"));
        return results.stream().filter(Report::isAboutAnomaly).filter(here).toList();
    }

    private static boolean isAboutAnomaly(CaseResult one) {
        return one.notes().containsKey("anomaly");
    }

    /** The round trips that were counted, by scenario; empty if none were. */
    public Map<String, String> roundTrips() {
        return results.stream()
                .filter(one -> one.conformanceCase().id().equals(Conformance.ROUND_TRIPS))
                .findFirst()
                .map(CaseResult::notes)
                .orElse(Map.of());
    }

    /** How long the cases took, in seconds. */
    public double seconds() {
        return results.stream().mapToLong(one -> one.lasted().toMillis()).sum() / 1_000.0;
    }

    /** The same for each chapter. */
    public Map<Chapter, Double> secondsByChapter() {
        Map<Chapter, Double> seconds = new EnumMap<>(Chapter.class);
        for (CaseResult one : results) {
            seconds.merge(one.conformanceCase().chapter(), one.lasted().toMillis() / 1_000.0, Double::sum);
        }
        return seconds;
    }

    /** The name of the files: {@code postgresql-18.6}, with the variant, and with the front end if it is not JUnit. */
    public String fileName() {
        return fileName(variant.isEmpty() ? server : server + " " + variant, frontEnd);
    }

    static String fileName(String server, String frontEnd) {
        String base = server.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9.]+", "-");
        return frontEnd.equals("JUnit") ? base : base + "-" + frontEnd.toLowerCase(Locale.ROOT);
    }

    static String key(ConformanceCase one) {
        return one.id() + (one.needs().level() == null ? "" : "-" + one.needs().level());
    }
}
