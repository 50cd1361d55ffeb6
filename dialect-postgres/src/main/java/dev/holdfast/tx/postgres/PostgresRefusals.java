package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.ConstraintChecking;
import dev.holdfast.tx.ConstraintChecking.Timing;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.spi.Wish.Target;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** What is refused before anything is sent: a table of conditions and texts, the first that holds is raised. */
final class PostgresRefusals {
    /** A wish, and the server it goes to. */
    record Case(Wish wish, Profile profile) {
        TxOptions options() {
            return wish.options();
        }

        boolean lacks(Feature feature) {
            return !profile.has(feature);
        }

        boolean onStandby() {
            return PostgresProfiles.isStandby(profile) || wish.target() == Target.REPLICA;
        }

        boolean isReadOnly() {
            return options().access() == Access.READ_ONLY;
        }

        boolean isSerializable() {
            Isolation asked = options().isolation();
            return (asked == null ? profile.defaultIsolation() : asked) == Isolation.SERIALIZABLE;
        }

        boolean checksConstraints(Timing timing) {
            ConstraintChecking checking = options().constraints();
            return checking != null && checking.timing() == timing;
        }

        boolean namesConstraints() {
            ConstraintChecking checking = options().constraints();
            return checking != null && !checking.isAll();
        }

        /** The server, as messages name it. */
        String server() {
            return profile.server() + (onStandby() ? " as a standby" : "");
        }
    }

    private record Rule(Predicate<Case> applies, Function<Case, String> text) {}

    private static final List<Rule> RULES = List.of(
            new Rule(
                    c -> !c.profile().options().containsAll(c.options().dialectOptions()),
                    c -> unknownOption(c) + " is not an option of " + c.server() + ", which takes "
                            + (c.profile().options().isEmpty()
                                    ? "none of its own"
                                    : c.profile().options())
                            + ": leave it out"),
            new Rule(
                    c -> c.options().beginMode() != null,
                    c -> "beginMode=" + c.options().beginMode() + " is an option of SQLite's; " + c.server()
                            + " takes locks as statements need them: leave it out"),
            new Rule(
                    c -> c.onStandby() && c.isSerializable(),
                    c -> "isolation=SERIALIZABLE" + (c.options().isolation() == null ? ", the server's default," : "")
                            + " is not to be had on " + c.server()
                            + ": ask for REPEATABLE_READ, or read from the primary"),
            new Rule(
                    c -> c.options().isolation() != null
                            && c.profile().model(c.options().isolation()) == null,
                    c -> "isolation=" + c.options().isolation() + " is not to be had on " + c.server()
                            + ": ask for one of " + c.profile().levels().keySet()),
            new Rule(
                    c -> c.onStandby() && c.options().access() == Access.READ_WRITE,
                    c -> "access=READ_WRITE is not to be had on " + c.server()
                            + ": go to the primary, or ask for READ_ONLY"),
            new Rule(
                    c -> c.checksConstraints(Timing.DEFERRED) && c.lacks(Feature.DEFERRED_CONSTRAINTS),
                    c -> c.server() + " is not known to check constraints at COMMIT (constraints="
                            + c.options().constraints()
                            + "): leave the option out and order the statements so that each passes"),
            new Rule(
                    c -> c.checksConstraints(Timing.IMMEDIATE) && c.lacks(Feature.IMMEDIATE_CONSTRAINTS),
                    c -> c.server() + " does not know SET CONSTRAINTS (constraints="
                            + c.options().constraints()
                            + "): leave the option out, it checks after each statement anyhow"),
            new Rule(
                    c -> c.namesConstraints() && c.lacks(Feature.NAMED_CONSTRAINTS),
                    c -> c.server() + " does not take constraints by name (constraints="
                            + c.options().constraints() + "): name none, which means all"),
            new Rule(
                    c -> c.options().lockTimeout() != null && c.lacks(Feature.LOCK_TIMEOUT),
                    c -> "lockTimeout=" + c.options().lockTimeout() + " has no effect on row locks of " + c.server()
                            + ": ask for a statementTimeout, which it keeps"),
            new Rule(
                    c -> PostgresPlans.readsId(c.wish()) && c.isReadOnly(),
                    c -> "verifiable together with READ_ONLY would use up a transaction id of " + c.server()
                            + " for nothing: a read-only transaction leaves nothing to settle; leave one of the two out"),
            new Rule(
                    c -> PostgresPlans.readsId(c.wish()) && (c.lacks(Feature.VERIFIABLE) || c.onStandby()),
                    c -> "verifiable is not to be had on " + c.server()
                            + ", which cannot say afterwards what became of a transaction: leave the option out"),
            new Rule(
                    c -> c.wish().carries(Carry.MARKER),
                    c -> c.server() + " settles no lost commit by a marker row: "
                            + (c.lacks(Feature.VERIFIABLE) ? "leave it out" : "ask for verifiable")),
            new Rule(
                    c -> c.wish().carries(Carry.POSITION) && (c.onStandby() || c.lacks(Feature.CAUSAL_READS)),
                    c -> c.server()
                            + " does not tell the position of a commit: ask for sticky or primary reads instead of"
                            + " causal ones"),
            new Rule(
                    c -> Boolean.TRUE.equals(c.options().get(PostgresOptions.DEFERRABLE))
                            && !(c.isReadOnly() && c.isSerializable()),
                    c -> c.server() + " ignores " + PostgresOptions.DEFERRABLE
                            + " in a transaction that is not both SERIALIZABLE and READ_ONLY: ask for both, or leave it out"));

    private PostgresRefusals() {}

    /**
     * Passes a wish, or refuses it.
     *
     * @throws TxUnsupportedException if it cannot be had
     */
    static void check(Wish wish, Profile profile) {
        Case asked = new Case(wish, profile);
        for (Rule rule : RULES) {
            if (rule.applies().test(asked)) {
                throw new TxUnsupportedException(
                        rule.text().apply(asked), wish.options().label());
            }
        }
    }

    private static String unknownOption(Case c) {
        return c.options().dialectOptions().stream()
                .filter(option -> !c.profile().options().contains(option))
                .map(Object::toString)
                .findFirst()
                .orElseThrow();
    }
}
