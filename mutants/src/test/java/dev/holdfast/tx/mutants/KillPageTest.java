package dev.holdfast.tx.mutants;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.testkit.ConformanceCase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The page is of these mutants and these cases, and no core case catches nothing. */
class KillPageTest {
    private static KillPage page = KillPage.empty();

    @BeforeAll
    static void read() throws IOException {
        page = KillPage.read(Path.of(System.getProperty("mutants.page", "../docs/conformance/mutants.md")));
    }

    @Test
    void every_mutant_is_in_the_page_with_the_case_that_kills_it() {
        assertThat(page.rows().stream().map(row -> row.id() + " " + row.what() + ": " + row.killer()))
                .containsExactlyElementsOf(Mutants.all().stream()
                        .map(mutant -> mutant.id() + " " + mutant.what() + ": " + mutant.killer())
                        .toList());
        assertThat(page.rows()).allSatisfy(row -> assertThat(row.seen()).isNotEmpty());
    }

    @Test
    void every_core_case_catches_a_mutant() {
        List<String> idle = CoreCases.all().stream()
                .map(ConformanceCase::id)
                .filter(id -> page.caughtBy(id).isEmpty())
                .toList();
        assertThat(idle).as("core cases that nothing makes fail").isEmpty();
    }
}
