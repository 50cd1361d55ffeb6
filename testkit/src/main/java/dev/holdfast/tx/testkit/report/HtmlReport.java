package dev.holdfast.tx.testkit.report;

import static dev.holdfast.tx.testkit.report.Html.escaped;

import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The report as one page that needs nothing else: no network, no script but its own filter. */
final class HtmlReport {
    private final Report report;
    private final StringBuilder body = new StringBuilder();

    private HtmlReport(Report report) {
        this.report = report;
    }

    static String of(Report report) {
        HtmlReport page = new HtmlReport(report);
        page.head();
        page.failures();
        page.features();
        page.isolation();
        page.roundTrips();
        page.rules();
        page.cases();
        return template()
                .replace(
                        "{{title}}",
                        escaped(report.server() + ": " + report.claim().word()))
                .replace("{{body}}", page.body);
    }

    private static String template() {
        try (InputStream in = HtmlReport.class.getResourceAsStream("report.html")) {
            if (in == null) {
                throw new IllegalStateException("report.html is not in the testkit");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @SuppressWarnings("AnnotateFormatMethod") // its annotation would be a dependency
    private void add(String format, Object... values) {
        body.append(values.length == 0 ? format : format.formatted(values)).append('\n');
    }

    private void head() {
        add(
                "<header><p class=\"claim %s\">%s</p>",
                report.claim().word(), report.claim().word());
        add("<h1>%s</h1>", escaped(report.server()));
        add(
                "<p class=\"sub\">Dialect <code>%s</code> under the conformance suite of Holdfast</p></header>",
                escaped(report.dialect()));
        add("<dl class=\"facts\">");
        fact("Database", report.identity().product() + " " + report.identity().productVersion());
        fact("Driver", report.identity().driver() + " " + report.identity().driverVersion());
        fact("Dialect", report.dialectClass());
        fact("Run", "%s, %s, %.0f s".formatted(report.date(), report.frontEnd(), report.seconds()));
        report.environment().forEach(this::fact);
        add("</dl>");
        add("<ul class=\"counts\">");
        for (Verdict verdict : Verdict.values()) {
            if (report.count(verdict) > 0) {
                add("<li class=\"%s\"><b>%d</b> %s</li>", verdict, report.count(verdict), word(verdict));
            }
        }
        add("</ul>");
    }

    private void fact(String name, String value) {
        add("<div><dt>%s</dt><dd>%s</dd></div>", escaped(name), escaped(value));
    }

    private void failures() {
        if (report.count(Verdict.FAIL) == 0) {
            return;
        }
        add("<section><h2>Failed</h2>");
        for (CaseResult one : report.with(Verdict.FAIL)) {
            add("<pre class=\"failure\">%s</pre>", escaped(one.detail()));
        }
        add("</section>");
    }

    private void features() {
        add("<section><h2>What it can do, and what it refuses</h2><table class=\"features\"><tbody>");
        for (Feature feature : Feature.values()) {
            boolean has = report.features().contains(feature);
            add(
                    "<tr><th scope=\"row\">%s</th><td class=\"%s\">%s</td><td>%s</td></tr>",
                    name(feature.name()),
                    has ? "PASS" : "REFUSED",
                    has ? "yes" : "no",
                    has ? "" : escaped(refusal(feature)));
        }
        add("</tbody></table>");
        if (!report.options().isEmpty()) {
            add("<p>Options of its own: %s.</p>", escaped(String.join(", ", report.options())));
        }
        add("</section>");
    }

    private String refusal(Feature feature) {
        return report.with(Verdict.REFUSED).stream()
                .filter(one -> one.conformanceCase().needs().features().contains(feature))
                .map(CaseResult::detail)
                .findFirst()
                .orElse("");
    }

    private void isolation() {
        if (report.anomalies().isEmpty()) {
            return;
        }
        add("<section><h2>What its isolation levels are</h2>");
        add(
                "<p>✓ prevented, and how; — allowed by the claim; ✗ seen though claimed to be prevented; ★ the default.</p>");
        add("<div class=\"wide\"><table class=\"matrix\"><thead><tr><th>anomaly</th>");
        for (Report.IsolationLevel level : report.levels()) {
            add(
                    "<th>%s%s<small>%s<br>claimed %s</small></th>",
                    name(level.level().name()),
                    level.isDefault() ? " ★" : "",
                    escaped(level.nativeName()),
                    escaped(level.model()));
        }
        add("</tr></thead><tbody>");
        for (String anomaly : report.anomalies()) {
            add("<tr><th scope=\"row\">%s</th>", escaped(anomaly));
            for (Report.IsolationLevel level : report.levels()) {
                Cell cell = Cell.of(report.cell(level.level(), anomaly));
                add("<td class=\"%s\">%s <small>%s</small></td>", colour(cell), cell.mark(), escaped(cell.words()));
            }
            add("</tr>");
        }
        add("</tbody></table></div></section>");
    }

    private static String colour(Cell cell) {
        return switch (cell.mark()) {
            case "✓" -> "PASS";
            case "✗" -> "FAIL";
            case "?" -> "INCONCLUSIVE";
            default -> "INFO";
        };
    }

    private void roundTrips() {
        if (report.roundTrips().isEmpty()) {
            return;
        }
        add("<section><h2>Round trips</h2><table class=\"trips\"><tbody>");
        report.roundTrips()
                .forEach((scenario, count) ->
                        add("<tr><th scope=\"row\">%s</th><td>%s</td></tr>", escaped(scenario), escaped(count)));
        add("</tbody></table></section>");
    }

    private void rules() {
        add("<section><h2>Rules</h2>");
        String group = "";
        for (Report.RuleResult rule : report.rules()) {
            if (!rule.rule().group().equals(group)) {
                add(group.isEmpty() ? "" : "</tbody></table></details>");
                group = rule.rule().group();
                add("<details><summary>%s</summary><table><tbody>", escaped(group));
            }
            add(
                    "<tr><td><code>%s</code></td><td>%s<small>%s</small></td><td class=\"%s\">%s</td></tr>",
                    rule.rule().id(),
                    escaped(rule.rule().title()),
                    escaped(String.join(", ", rule.rule().provedBy())),
                    rule.verdict() == null ? "INFO" : rule.verdict(),
                    rule.verdict() == null ? "by tests of the engine" : word(rule.verdict()));
        }
        add("%s</section>", group.isEmpty() ? "" : "</tbody></table></details>");
    }

    private void cases() {
        add("<section><h2>Cases</h2><p class=\"filter\"><button data-show=\"\" aria-pressed=\"true\">all</button>");
        for (Verdict verdict : Verdict.values()) {
            if (report.count(verdict) > 0) {
                add("<button data-show=\"%s\" aria-pressed=\"false\">%s</button>", verdict, word(verdict));
            }
        }
        add("</p><table class=\"cases\"><tbody>");
        for (CaseResult one : report.results()) {
            add(
                    "<tr id=\"%s\" data-verdict=\"%s\"><td><code>%s</code></td><td>%s%s</td><td class=\"%s\">%s</td></tr>",
                    escaped(Report.key(one.conformanceCase())),
                    one.verdict(),
                    one.conformanceCase().id(),
                    escaped(title(one)),
                    details(one),
                    one.verdict(),
                    word(one.verdict()));
        }
        add("</tbody></table></section>");
    }

    private static String title(CaseResult one) {
        var level = one.conformanceCase().needs().level();
        return one.conformanceCase().title() + (level == null ? "" : " [" + level + "]");
    }

    private static String details(CaseResult one) {
        String notes = one.notes().entrySet().stream()
                .map(note -> note.getKey() + ": " + note.getValue())
                .collect(Collectors.joining("; "));
        return Stream.of(one.verdict() == Verdict.FAIL ? "" : one.detail(), notes)
                .filter(text -> !text.isEmpty())
                .map(text -> "<small>" + escaped(text) + "</small>")
                .collect(Collectors.joining());
    }

    private static String name(String constant) {
        return constant.toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String word(Verdict verdict) {
        return name(verdict.name());
    }
}
