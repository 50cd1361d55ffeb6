package dev.holdfast.tx.mssql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The cases of the testkit, through the real engine, dialect and driver, on the responder with tables in memory. They prove
 * what these three do. What a server decides they do not prove, so there is no report, and chapters on that are left out.
 */
class GenericCasesTest {
    /**
     * What isolation keeps apart is the tables' doing, and soaking them tells nothing; of locks, that these tables lock all
     * that a select reads, and nothing in a table expression. They have no replica.
     */
    private static final Set<String> LEFT_OUT = Set.of("ISO", "STO", "RPL", "LCK-16", "LCK-26", "LCK-27", "LCK-28");

    /** Cases that the tables in memory, or this machine, cannot do. */
    private static final Map<String, String> NOT_HERE = Map.of(
            "DCL-U-TRANSACTIONAL_DDL", "DDL commits in these tables",
            "CON-11", "DDL commits in these tables",
            "SVP-11", "DDL commits in these tables",
            "SVP-11b", "DDL commits in these tables",
            "CCY-05", "needs virtual threads",
            "TMO-20", "SQL Server has no limit on idle transactions",
            "TMO-21", "SQL Server has no limit on idle transactions",
            "LIF-08b", "nothing that runs together fails here",
            "HYG-04", "needs a driver whose network timeout can fail");

    private static Responder responder;
    private static Suite suite;

    @BeforeAll
    static void start() throws Exception {
        responder = new Responder();
        suite = Suite.of(new ResponderUnderTest(responder), Conformance.cases());
    }

    /** The responder was asked nothing that it does not know. */
    @AfterAll
    static void stop() throws IOException {
        responder.close();
    }

    @TestFactory
    Stream<DynamicTest> cases() {
        List<ConformanceCase> here = suite.cases().stream()
                .filter(one -> LEFT_OUT.stream().noneMatch(one.id()::startsWith))
                .filter(one -> !NOT_HERE.containsKey(one.id()))
                .toList();
        assertThat(here).hasSizeGreaterThan(200);
        assertThat(suite.cases().stream().map(ConformanceCase::id)).containsAll(NOT_HERE.keySet());
        return here.stream()
                .map(one -> DynamicTest.dynamicTest(one.toString(), () -> {
                    CaseResult result = suite.run(one);
                    result.throwIfFailed();
                    assertThat(result.verdict()).as(result.detail()).isNotIn(Verdict.INCONCLUSIVE, Verdict.UNTESTED);
                }));
    }
}
