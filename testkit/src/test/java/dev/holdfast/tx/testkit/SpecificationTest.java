package dev.holdfast.tx.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The specification and the tests know each other. */
class SpecificationTest {
    private static final String CASE = "[A-Z]{2,3}-.+";

    @Test
    void every_case_names_a_rule_that_names_the_case() {
        Set<String> wrong = new TreeSet<>();
        for (ConformanceCase one : Conformance.cases()) {
            Rule rule = Specification.rule(one.rule()).orElse(null);
            if (rule == null) {
                wrong.add(one.id() + " names " + one.rule() + ", which is not in the specification");
            } else if (!rule.provedBy().contains(one.id())) {
                wrong.add(one.id() + " names " + one.rule() + ", which does not name it");
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void every_case_that_a_rule_names_is_there_and_names_the_rule() {
        Set<String> known = Conformance.cases().stream()
                .map(one -> one.rule() + " " + one.id())
                .collect(Collectors.toSet());
        List<String> missing = Specification.rules().stream()
                .flatMap(rule -> rule.provedBy().stream()
                        .filter(proof -> proof.matches(CASE))
                        .map(proof -> rule.id() + " " + proof))
                .filter(pair -> !known.contains(pair))
                .toList();
        assertThat(missing).isEmpty();
    }

    @Test
    void every_test_class_that_a_rule_names_is_there() throws IOException {
        Set<String> classes = testClasses();
        List<String> missing = Specification.rules().stream()
                .flatMap(rule -> rule.provedBy().stream()
                        .filter(proof -> !proof.matches(CASE) && !classes.contains(proof))
                        .map(proof -> rule.id() + " " + proof))
                .toList();
        assertThat(missing).isEmpty();
    }

    private static Set<String> testClasses() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            return files.filter(file -> file.toString().replace('\\', '/').contains("/src/test/"))
                    .map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java") || name.endsWith(".kt"))
                    .map(name -> name.substring(0, name.lastIndexOf('.')))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void every_rule_says_what_must_hold_why_and_where_to_look() {
        List<String> vague = Specification.rules().stream()
                .filter(rule -> !rule.text().matches("(?s).*\\b(MUST|MAY)\\b.*")
                        || rule.intent().isBlank()
                        || rule.check().isBlank()
                        || rule.provedBy().isEmpty())
                .map(Rule::id)
                .toList();
        assertThat(vague).isEmpty();
    }

    @Test
    void rules_stand_in_their_order() {
        List<Integer> numbers = Specification.rules().stream()
                .map(rule -> Integer.valueOf(rule.id().substring("TX-".length())))
                .toList();
        assertThat(numbers).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void no_two_cases_have_one_id_at_one_level() {
        Set<String> seen = new HashSet<>();
        List<String> twice = Conformance.cases().stream()
                .map(one -> one.id() + " " + one.needs().level())
                .filter(key -> !seen.add(key))
                .toList();
        assertThat(twice).isEmpty();
    }

    @Test
    void a_rule_without_a_line_that_is_asked_for_is_an_error() {
        assertThatThrownBy(() ->
                        Specification.rules("# Page\n\n## TX-1 A rule\nIt MUST hold.\n\nIntent: why\nCheck: where\n"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("TX-1 has no line 'Proved by: …'");
    }
}
