package dev.holdfast.tx.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules, read from the pages of {@code docs/spec}, which are part of the testkit. */
public final class Specification {
    private static final List<String> PAGES = List.of(
            "01-options",
            "02-entry-and-nesting",
            "03-completion-and-outcome",
            "04-session-hygiene",
            "05-failure-classification",
            "06-isolation",
            "07-locks",
            "08-constraints",
            "09-hooks",
            "10-retry",
            "11-concurrency",
            "12-events",
            "13-declarations",
            "14-replicas");

    private static final Pattern TITLE = Pattern.compile("(?m)^# (.+)$");
    private static final Pattern RULE = Pattern.compile("(?m)^## (TX-\\d+) (.+)$");
    private static final Pattern FIELD = Pattern.compile("(?m)^(Intent|Check|Proved by): (.+)$");
    private static final Map<String, Rule> RULES = read();

    private Specification() {}

    /** All rules, in their order. */
    public static List<Rule> rules() {
        return List.copyOf(RULES.values());
    }

    /** The rule with this id; empty if it is not one of ours. */
    public static Optional<Rule> rule(String id) {
        return Optional.ofNullable(RULES.get(id));
    }

    private static Map<String, Rule> read() {
        Map<String, Rule> rules = new LinkedHashMap<>();
        for (String page : PAGES) {
            for (Rule rule : rules(text(page))) {
                if (rules.put(rule.id(), rule) != null) {
                    throw new IllegalStateException("Two rules are called " + rule.id());
                }
            }
        }
        return rules;
    }

    private static String text(String page) {
        try (InputStream in = Specification.class.getResourceAsStream("spec/" + page + ".md")) {
            if (in == null) {
                throw new IllegalStateException("The page " + page + " is not in the testkit");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Rule> rules(String page) {
        Matcher title = TITLE.matcher(page);
        String group = title.find() ? title.group(1) : "";
        List<Rule> rules = new ArrayList<>();
        Matcher rule = RULE.matcher(page);
        while (rule.find()) {
            int from = rule.end();
            Matcher next = RULE.matcher(page);
            String text = page.substring(from, next.find(from) ? next.start() : page.length());
            rules.add(rule(rule.group(1), rule.group(2), text, group));
        }
        return rules;
    }

    private static Rule rule(String id, String title, String text, String group) {
        Map<String, String> fields = new LinkedHashMap<>();
        Matcher field = FIELD.matcher(text);
        int end = text.length();
        while (field.find()) {
            end = Math.min(end, field.start());
            fields.put(field.group(1), field.group(2).strip());
        }
        for (String needed : List.of("Intent", "Check", "Proved by")) {
            if (!fields.containsKey(needed)) {
                throw new IllegalStateException(id + " has no line '" + needed + ": …'");
            }
        }
        return new Rule(
                id,
                title,
                text.substring(0, end).strip(),
                fields.getOrDefault("Intent", ""),
                fields.getOrDefault("Check", ""),
                List.of(fields.getOrDefault("Proved by", "").split("\\s*,\\s*")),
                group);
    }
}
