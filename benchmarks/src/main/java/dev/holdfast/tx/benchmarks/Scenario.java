package dev.holdfast.tx.benchmarks;

import java.sql.SQLException;

/** One kind of transaction, in two ways. */
public enum Scenario {
    /** One statement. */
    PLAIN("one statement", ByHand::plain, WithHoldfast::plain),
    /** One query, read-only. */
    READ_ONLY("one query, read-only", ByHand::readOnly, WithHoldfast::readOnly),
    /** One statement, and one in a savepoint. */
    NESTED("a savepoint, two statements", ByHand::nested, WithHoldfast::nested),
    /** Two statements, each in a scope that joins. */
    JOINED("two joined scopes, two statements", ByHand::joined, WithHoldfast::joined),
    /** One statement, and five actions after the commit. */
    FIVE_HOOKS("one statement, five hooks", ByHand::fiveHooks, WithHoldfast::fiveHooks);

    /** Runs one transaction. */
    @FunctionalInterface
    private interface Way<W> {
        long run(W with) throws SQLException;
    }

    private final String title;

    @SuppressWarnings("ImmutableEnumChecker") // method references
    private final Way<ByHand> byHand;

    @SuppressWarnings("ImmutableEnumChecker")
    private final Way<WithHoldfast> holdfast;

    Scenario(String title, Way<ByHand> byHand, Way<WithHoldfast> holdfast) {
        this.title = title;
        this.byHand = byHand;
        this.holdfast = holdfast;
    }

    /** For the reader. */
    String title() {
        return title;
    }

    long run(ByHand with) throws SQLException {
        return byHand.run(with);
    }

    long run(WithHoldfast with) throws SQLException {
        return holdfast.run(with);
    }
}
