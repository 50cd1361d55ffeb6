package dev.holdfast.samples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.samples.firstscreen.FirstScreen;
import dev.holdfast.samples.firstscreen.PlanTable;
import dev.holdfast.tx.TxOptions;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the README and the guide show is what is compiled, tested and sent. Run with {@code -Ddocs.update=true} to have them
 * brought up to date instead.
 */
class DocumentsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- from ([^\\s#]+)(#\\S+)? -->\n```(\\w+)\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern PLANS =
            Pattern.compile("<!-- plans -->\n(.*?)<!-- end of plans -->\n", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+)[^)]*\\)");

    private static String read(String document) throws IOException {
        return Files.readString(ROOT.resolve(document));
    }

    private static void assertUpToDate(String document, String expected) throws IOException {
        if (Boolean.getBoolean("docs.update")) {
            Files.writeString(ROOT.resolve(document), expected);
        }
        assertThat(read(document))
                .as("%s; run the test with -Ddocs.update=true to bring it up to date", document)
                .isEqualTo(expected);
    }

    private static String replaced(String text, Pattern part, Function<MatchResult, String> by) {
        return part.matcher(text).replaceAll(match -> Matcher.quoteReplacement(by.apply(match)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "docs/guide/transactions.md",
                "docs/guide/coroutines.md",
                "docs/guide/exposed.md",
                "docs/guide/replicas.md",
                "docs/guide/watching.md",
                "docs/guide/testing-your-application.md",
                "docs/guide/writing-a-dialect.md"
            })
    void examples_are_parts_of_compiled_sources(String document) throws IOException {
        String text = read(document);
        assertUpToDate(
                document,
                replaced(
                        text,
                        EXAMPLE,
                        match -> "<!-- from %s%s -->\n```%s\n%s```\n"
                                .formatted(
                                        match.group(1),
                                        match.group(2) == null ? "" : match.group(2),
                                        match.group(3),
                                        example(match.group(1), match.group(2)))));
        assertThat(count(Pattern.compile("```(java|kotlin)\n"), text))
                .as("examples, all of them from sources")
                .isPositive()
                .isEqualTo(EXAMPLE.matcher(text)
                        .results()
                        .filter(match -> match.group(3).matches("java|kotlin"))
                        .count());
    }

    /**
     * A whole file, or the lines between {@code // region name} and {@code // endregion}, without what they are indented by
     * together.
     */
    private static String example(String file, @Nullable String region) {
        List<String> lines;
        try {
            lines = Files.readAllLines(ROOT.resolve(file));
        } catch (IOException e) {
            throw new AssertionError("There is no " + file, e);
        }
        if (region == null) {
            return String.join("\n", lines) + "\n";
        }
        int begin = lines.stream().map(String::strip).toList().indexOf("// region " + region.substring(1));
        assertThat(begin).as("region %s of %s", region, file).isNotNegative();
        List<String> inside = lines.subList(begin + 1, lines.size()).stream()
                .dropWhile(String::isBlank) // of a formatter's
                .takeWhile(line -> !line.strip().equals("// endregion"))
                .toList();
        return String.join("\n", inside).stripIndent() + "\n";
    }

    /** Whoever follows the guide has all that it takes, but for tests that only its authors need. */
    @ParameterizedTest
    @ValueSource(strings = {"samples/dialect-h2", "samples/dialect-derby"})
    void the_guide_shows_all_of_a_dialect(String folder) throws IOException {
        Set<String> shown = EXAMPLE.matcher(read("docs/guide/writing-a-dialect.md"))
                .results()
                .filter(match -> match.group(2) == null)
                .map(match -> match.group(1))
                .collect(Collectors.toSet());
        List<String> files;
        try (Stream<Path> all = Files.walk(ROOT.resolve(folder))) {
            files = all.filter(Files::isRegularFile)
                    .map(file -> ROOT.relativize(file).toString().replace('\\', '/'))
                    .filter(file -> !file.startsWith(folder + "/target/"))
                    .filter(file -> !file.matches(".*(Facts|Connect|Plans)Test\\.java|.*/resources/plans/.*"))
                    .toList();
        }
        assertThat(files).isNotEmpty().allSatisfy(file -> assertThat(shown).contains(file));
    }

    private static long count(Pattern pattern, String text) {
        return pattern.matcher(text).results().count();
    }

    @Test
    void the_table_of_plans_is_what_explain_says() throws IOException {
        String text = read("README.md");
        assertThat(count(PLANS, text)).isEqualTo(1);
        assertUpToDate(
                "README.md",
                replaced(
                        text,
                        PLANS,
                        match -> "<!-- plans -->\n" + PlanTable.of(FirstScreen.options()) + "<!-- end of plans -->\n"));
    }

    @Test
    void every_option_is_in_the_readme() throws IOException {
        String text = read("README.md");
        Set<String> options = Arrays.stream(TxOptions.class.getMethods())
                .filter(method ->
                        method.getReturnType() == TxOptions.class && !Modifier.isStatic(method.getModifiers()))
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        options.removeAll(Set.of("overlay", "serverSide"));
        assertThat(options).isNotEmpty().allSatisfy(option -> assertThat(text).containsPattern("`" + option + "[(`]"));
    }

    @Test
    void the_version_to_install_is_the_one_that_is_built() throws IOException {
        Matcher built = Pattern.compile("<artifactId>bom</artifactId>\\s*<version>(.*?)</version>")
                .matcher(read("bom/pom.xml"));
        assertThat(built.find()).isTrue();
        assertThat(read("README.md")).contains("<version>" + built.group(1) + "</version>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "CONTRIBUTING.md",
                "docs/guide/transactions.md",
                "docs/guide/coroutines.md",
                "docs/guide/exposed.md",
                "docs/guide/replicas.md",
                "docs/guide/watching.md",
                "docs/guide/testing-your-application.md",
                "docs/guide/writing-a-dialect.md"
            })
    void links_lead_somewhere(String document) throws IOException {
        Path file = ROOT.resolve(document);
        assertThat(LINK.matcher(read(document))
                        .results()
                        .map(link -> link.group(1))
                        .filter(link -> !link.startsWith("http")))
                .allSatisfy(link -> assertThat(file.resolveSibling(link)).exists());
    }
}
