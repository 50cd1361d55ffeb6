package dev.holdfast.tx.testkit.report;

import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Suite;
import java.util.LinkedHashMap;
import java.util.Map;

/** Under which circumstances a run was made. */
final class Environment {
    private Environment() {}

    static Map<String, String> now(Suite suite) {
        boolean probe = suite.database().dialect().testHooks(suite.profile()).isWaiting() != null;
        Map<String, String> all = new LinkedHashMap<>();
        all.put("suite", Conformance.VERSION);
        all.put("java", System.getProperty("java.version", "?"));
        all.put("os", System.getProperty("os.name", "?") + " " + System.getProperty("os.arch", "?"));
        all.put("cpus", String.valueOf(Runtime.getRuntime().availableProcessors()));
        all.put("time multiplier", String.valueOf(Patience.factor()));
        all.put("blocking is seen by", probe ? "the server's lock view" : "quiet time");
        return all;
    }
}
