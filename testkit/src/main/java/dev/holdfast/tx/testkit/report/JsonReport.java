package dev.holdfast.tx.testkit.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.ConformanceCase;
import java.util.List;

/** The report as one JSON document. No time stands among the results, so that two runs can be compared. */
final class JsonReport {
    private static final int SCHEMA = 1;
    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private JsonReport() {}

    static String of(Report report) {
        JsonObject all = new JsonObject();
        all.addProperty("schema", SCHEMA);
        all.addProperty("claim", report.claim().name());
        all.add("dialect", dialect(report));
        all.add("target", target(report));
        all.add("run", run(report));
        all.add("verdicts", verdicts(report));
        all.add("chapters", chapters(report));
        all.add("isolation", isolation(report));
        all.add("roundTrips", GSON.toJsonTree(report.roundTrips()));
        all.add("rules", rules(report));
        all.add("results", results(report));
        return GSON.toJson(all) + "\n";
    }

    static String notRun(String name, String why, String frontEnd) {
        JsonObject all = new JsonObject();
        all.addProperty("schema", SCHEMA);
        all.addProperty("claim", "NOT_RUN");
        JsonObject target = new JsonObject();
        target.addProperty("name", name);
        all.add("target", target);
        JsonObject run = new JsonObject();
        run.addProperty("frontEnd", frontEnd);
        run.addProperty("why", why);
        all.add("run", run);
        return GSON.toJson(all) + "\n";
    }

    private static JsonObject dialect(Report report) {
        JsonObject dialect = new JsonObject();
        dialect.addProperty("name", report.dialect());
        dialect.addProperty("class", report.dialectClass());
        dialect.add(
                "features", strings(report.features().stream().map(Enum::name).toList()));
        dialect.add("options", strings(report.options()));
        return dialect;
    }

    private static JsonObject target(Report report) {
        JsonObject target = new JsonObject();
        target.addProperty("name", report.name());
        target.addProperty("server", report.server());
        target.addProperty("product", report.identity().product());
        target.addProperty("productVersion", report.identity().productVersion());
        target.addProperty("driver", report.identity().driver());
        target.addProperty("driverVersion", report.identity().driverVersion());
        return target;
    }

    private static JsonObject run(Report report) {
        JsonObject run = new JsonObject();
        run.addProperty("date", report.date().toString());
        run.addProperty("frontEnd", report.frontEnd());
        run.addProperty("cases", report.cases());
        run.addProperty("seconds", report.seconds());
        report.environment().forEach(run::addProperty);
        run.add("secondsByChapter", GSON.toJsonTree(report.secondsByChapter()));
        return run;
    }

    private static JsonObject verdicts(Report report) {
        JsonObject verdicts = new JsonObject();
        for (var verdict : dev.holdfast.tx.testkit.Verdict.values()) {
            verdicts.addProperty(verdict.name(), report.count(verdict));
        }
        return verdicts;
    }

    private static JsonObject chapters(Report report) {
        JsonObject chapters = new JsonObject();
        report.chapters().forEach((chapter, counts) -> {
            JsonObject one = new JsonObject();
            one.addProperty("title", chapter.title());
            counts.forEach((verdict, count) -> one.addProperty(verdict.name(), count));
            chapters.add(chapter.name(), one);
        });
        return chapters;
    }

    private static JsonObject isolation(Report report) {
        JsonObject levels = new JsonObject();
        for (Report.IsolationLevel level : report.levels()) {
            JsonObject one = new JsonObject();
            one.addProperty("native", level.nativeName());
            one.addProperty("claimed", level.model());
            one.addProperty("default", level.isDefault());
            JsonObject cells = new JsonObject();
            for (String anomaly : report.anomalies()) {
                cells.addProperty(
                        anomaly, Cell.of(report.cell(level.level(), anomaly)).words());
            }
            one.add("anomalies", cells);
            levels.add(level.level().name(), one);
        }
        return levels;
    }

    private static JsonArray rules(Report report) {
        JsonArray rules = new JsonArray();
        for (Report.RuleResult rule : report.rules()) {
            JsonObject one = new JsonObject();
            one.addProperty("id", rule.rule().id());
            one.addProperty("group", rule.rule().group());
            one.addProperty("title", rule.rule().title());
            one.addProperty(
                    "verdict", rule.verdict() == null ? null : rule.verdict().name());
            one.add("provedBy", strings(rule.rule().provedBy()));
            rules.add(one);
        }
        return rules;
    }

    private static JsonArray results(Report report) {
        JsonArray results = new JsonArray();
        for (CaseResult result : report.results()) {
            ConformanceCase about = result.conformanceCase();
            JsonObject one = new JsonObject();
            one.addProperty("id", about.id());
            one.addProperty("rule", about.rule());
            one.addProperty("title", about.title());
            if (about.needs().level() != null) {
                one.addProperty("level", about.needs().level().name());
            }
            one.addProperty("verdict", result.verdict().name());
            if (!result.detail().isEmpty()) {
                one.addProperty("detail", result.detail());
            }
            if (result.attempts() > 1) {
                one.addProperty("attempts", result.attempts());
            }
            if (!result.notes().isEmpty()) {
                one.add("notes", GSON.toJsonTree(result.notes()));
            }
            results.add(one);
        }
        return results;
    }

    private static JsonArray strings(List<String> values) {
        JsonArray all = new JsonArray();
        values.forEach(all::add);
        return all;
    }
}
