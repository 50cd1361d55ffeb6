package dev.holdfast.tx;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Makes options at random: the same seed gives the same options. */
final class RandomOptions {
    static final TxOption<String> TEXT = TxOption.of("test.text", String.class, text -> text.length() < 10);
    static final TxOption<Integer> NUMBER = TxOption.of("test.number", Integer.class);

    private static final int LAWS = 2_000;

    private final Random random;

    private RandomOptions(long seed) {
        this.random = new Random(seed);
    }

    /** Shows a law for many options; the seed of those that break it is in the error. */
    static void holdsForAll(Consumer<RandomOptions> law) {
        for (long seed = 1; seed <= LAWS; seed++) {
            try {
                law.accept(new RandomOptions(seed));
            } catch (AssertionError broken) {
                throw new AssertionError("broken for seed " + seed + ": " + broken.getMessage(), broken);
            }
        }
    }

    /** Any options, none included. */
    TxOptions options() {
        TxOptions options = TxOptions.none();
        for (int i = random.nextInt(8); i > 0; i--) {
            options = wither().apply(options);
        }
        return options;
    }

    /** A wither with a value. */
    UnaryOperator<TxOptions> wither() {
        Duration limit = Duration.ofMillis(1 + random.nextInt(3));
        boolean first = random.nextBoolean();
        return switch (random.nextInt(18)) {
            case 0 -> options -> options.isolation(first ? Isolation.SERIALIZABLE : Isolation.READ_COMMITTED);
            case 1 -> first ? TxOptions::readOnly : TxOptions::readWrite;
            case 2 -> TxOptions::readOnlyHint;
            case 3 -> options -> options.propagation(first ? Propagation.SAVEPOINT : Propagation.ROOT_ONLY);
            case 4 -> options -> first ? options.deferConstraints("a", "b") : options.deferConstraints();
            case 5 -> options -> options.checkConstraintsImmediately("a");
            case 6 -> options -> options.beginMode(first ? BeginMode.DEFERRED : BeginMode.EXCLUSIVE);
            case 7 -> first ? TxOptions::forceRollback : options -> options.completion(Completion.FIXTURE);
            case 8 -> options -> options.acquireTimeout(limit);
            case 9 -> options -> options.lockTimeout(limit);
            case 10 -> options -> options.statementTimeout(limit);
            case 11 -> options -> options.wholeTimeout(limit);
            case 12 -> options -> options.reads(first ? Reads.primary() : Reads.sticky(limit));
            case 13 -> options -> options.label(first ? "one" : "other");
            case 14 -> TxOptions::verifiable;
            case 15 -> TxOptions::labelInSql;
            case 16 -> options -> options.with(TEXT, first ? "one" : "other");
            default -> options -> options.with(NUMBER, first ? 1 : 2);
        };
    }

    /** All that options say, read one by one; what they do not say is not in it. */
    static Map<String, Object> said(TxOptions options) {
        Map<String, Object> said = new LinkedHashMap<>();
        List<Map.Entry<String, @Nullable Object>> all = new ArrayList<>();
        all.add(entry("isolation", options.isolation()));
        all.add(entry("access", options.access()));
        all.add(entry("propagation", options.propagation()));
        all.add(entry("constraints", options.constraints()));
        all.add(entry("beginMode", options.beginMode()));
        all.add(entry("completion", options.completion()));
        all.add(entry("acquireTimeout", options.acquireTimeout()));
        all.add(entry("lockTimeout", options.lockTimeout()));
        all.add(entry("statementTimeout", options.statementTimeout()));
        all.add(entry("wholeTimeout", options.wholeTimeout()));
        all.add(entry("retry", options.retry()));
        all.add(entry("reads", options.reads()));
        all.add(entry("label", options.label()));
        all.add(entry("labelInSql", options.isLabelInSql() ? Boolean.TRUE : null));
        all.add(entry("verifiable", options.isVerifiable() ? Boolean.TRUE : null));
        all.add(entry(TEXT.name(), options.get(TEXT)));
        all.add(entry(NUMBER.name(), options.get(NUMBER)));
        for (Map.Entry<String, @Nullable Object> one : all) {
            Object value = one.getValue();
            if (value != null) {
                said.put(one.getKey(), value);
            }
        }
        return said;
    }

    private static Map.Entry<String, @Nullable Object> entry(String name, @Nullable Object value) {
        return new java.util.AbstractMap.SimpleImmutableEntry<>(name, value);
    }
}
