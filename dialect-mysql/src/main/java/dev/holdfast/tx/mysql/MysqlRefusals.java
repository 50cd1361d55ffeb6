package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.ConstraintChecking.Timing;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import dev.holdfast.tx.spi.Wish.Target;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;

/** What is refused before anything is sent: a table of conditions and texts, the first that holds is raised. */
final class MysqlRefusals {
    /** A wish, and the server it goes to. */
    private record Case(Wish wish, Profile profile) {
        TxOptions options() {
            return wish.options();
        }

        /** Whether a marker row cannot be written. */
        boolean onlyReads() {
            return options().access() == Access.READ_ONLY
                    || wish.target() == Target.REPLICA
                    || (options().access() == null && MysqlProfiles.isReadOnlyByDefault(profile));
        }

        boolean lacks(Feature feature) {
            return !profile.has(feature);
        }

        /** The level that the server is asked for, or has by itself. */
        String nativeLevel() {
            Isolation asked = options().isolation();
            Level level = profile.levels().get(asked == null ? profile.defaultIsolation() : asked);
            return Objects.requireNonNull(level, "the engine has checked that the level is there")
                    .nativeName();
        }

        /** The server, as messages name it. */
        String server() {
            return profile.server();
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
                    c -> c.options().isolation() != null
                            && c.profile().model(c.options().isolation()) == null,
                    c -> "isolation=" + c.options().isolation() + " is not to be had on " + c.server()
                            + ": ask for one of " + c.profile().levels().keySet()),
            new Rule(
                    c -> c.options().access() == Access.READ_ONLY && c.lacks(Feature.READ_ONLY),
                    c -> c.server() + " takes READ ONLY and lets writes through (access=READ_ONLY): ask for"
                            + " READ_ONLY_HINT, which promises no more than that"),
            new Rule(
                    c -> c.wish().target() == Target.REPLICA && c.options().access() == Access.READ_WRITE,
                    c -> "access=READ_WRITE is not to be had on a replica of " + c.server()
                            + ": go to the primary, or ask for READ_ONLY"),
            new Rule(
                    c -> c.options().constraints() != null
                            && c.options().constraints().timing() == Timing.DEFERRED,
                    c -> c.server() + " checks constraints row by row and never at COMMIT (constraints="
                            + c.options().constraints()
                            + "): leave the option out and order the statements so that each passes;"
                            + " foreign_key_checks=0 is no way out, what it lets pass is never checked"),
            new Rule(
                    c -> c.options().constraints() != null,
                    c -> c.server() + " has no constraints that could be deferred (constraints="
                            + c.options().constraints()
                            + "): leave the option out, it checks at once anyhow"),
            new Rule(
                    c -> c.options().lockTimeout() != null && c.lacks(Feature.LOCK_TIMEOUT),
                    c -> "lockTimeout=" + c.options().lockTimeout() + " is not kept by " + c.server()
                            + ": leave it out, and ask for a whole timeout"),
            new Rule(
                    c -> c.options().statementTimeout() != null && c.lacks(Feature.STATEMENT_TIMEOUT),
                    c -> "statementTimeout=" + c.options().statementTimeout() + " is not kept by " + c.server()
                            + ": leave it out"),
            new Rule(
                    c -> MysqlMarkers.isWished(c.wish()) && c.onlyReads(),
                    c -> "verifiable together with READ_ONLY cannot be had on " + c.server()
                            + ", which would have to write a marker row: a read-only transaction leaves nothing to"
                            + " settle; leave one of the two out"),
            new Rule(
                    c -> MysqlMarkers.isWished(c.wish()) && c.lacks(Feature.VERIFIABLE),
                    c -> "verifiable is not to be had on " + c.server() + ", "
                            + (MysqlFlavour.of(c.profile()) == MysqlFlavour.TIDB
                                            || MysqlFlavour.of(c.profile()) == MysqlFlavour.VITESS
                                    ? "which cannot say afterwards what became of a transaction: leave the option out"
                                    : "because the connections are in no database, which could have a table of marker"
                                            + " rows: name one in the URL, or leave the option out")),
            new Rule(
                    c -> c.wish().carries(Carry.TX_ID),
                    c -> c.server() + " does not know afterwards what became of a transaction by its id (verifiable):"
                            + " a marker row is written instead"),
            new Rule(
                    c -> c.wish().carries(Carry.POSITION)
                            && (c.wish().target() == Target.REPLICA || !MysqlPositions.travelWithCommit(c.profile())),
                    c -> c.server() + " does not tell the position of a commit in the message that commits: ask for it"
                            + " afterwards, or for sticky or primary reads instead of causal ones"),
            new Rule(
                    c -> MysqlPlans.takesSnapshot(c.options())
                            && !c.nativeLevel().equals("REPEATABLE READ"),
                    c -> c.server() + " ignores " + MysqlOptions.CONSISTENT_SNAPSHOT + " at " + c.nativeLevel()
                            + ": ask for isolation=REPEATABLE_READ as well, or leave it out"));

    private MysqlRefusals() {}

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
