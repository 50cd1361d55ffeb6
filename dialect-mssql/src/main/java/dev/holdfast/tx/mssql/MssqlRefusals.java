package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** What is refused before anything is sent: a table of conditions and texts, the first that holds is raised. */
final class MssqlRefusals {
    /** A wish, and the server it goes to. */
    record Case(Wish wish, Profile profile) {
        TxOptions options() {
            return wish.options();
        }

        boolean lacksLevel(Isolation asked) {
            return options().isolation() == asked && !profile.levels().containsKey(asked);
        }

        String server() {
            return profile.server();
        }
    }

    private record Rule(Predicate<Case> applies, Function<Case, String> text) {}

    private static final List<Rule> RULES = List.of(
            new Rule(
                    c -> !c.profile().options().containsAll(c.options().dialectOptions()),
                    c -> unknownOption(c) + " is not an option of " + c.server() + ", which takes "
                            + c.profile().options() + ": leave it out"),
            new Rule(
                    c -> c.options().beginMode() != null,
                    c -> "beginMode=" + c.options().beginMode() + " is an option of SQLite's; " + c.server()
                            + " takes locks as statements need them: leave it out"),
            new Rule(
                    c -> c.lacksLevel(Isolation.SNAPSHOT),
                    c -> "isolation=SNAPSHOT is not to be had on " + c.server()
                            + ", because ALLOW_SNAPSHOT_ISOLATION is not on in this database: turn it on, or ask for"
                            + " REPEATABLE_READ, which locks what it reads"),
            new Rule(
                    c -> c.lacksLevel(Isolation.SERIALIZABLE),
                    c -> "isolation=SERIALIZABLE is not to be had on a secondary of " + c.server()
                            + ", which reads from a snapshot at every level: ask for REPEATABLE_READ, or read from the primary"),
            new Rule(
                    c -> c.options().access() == Access.READ_ONLY
                            && !c.profile().has(Feature.READ_ONLY),
                    c -> "access=READ_ONLY is not kept by " + c.server()
                            + ", which has no read-only transactions: ask for READ_ONLY_HINT, or connect to a secondary"
                            + " with ApplicationIntent=ReadOnly, or to a database that is READ_ONLY"),
            new Rule(
                    c -> c.options().access() == Access.READ_WRITE && MssqlProfiles.onlyReads(c.profile()),
                    c -> "access=READ_WRITE is not to be had on " + c.server()
                            + " through a data source that can only read: go to the primary, or ask for READ_ONLY"),
            new Rule(
                    c -> c.options().constraints() != null,
                    c -> c.server()
                            + " checks every constraint after each statement, and knows no other time (constraints="
                            + c.options().constraints()
                            + "): leave the option out, and order the statements so that each passes"),
            new Rule(
                    c -> MssqlMarkers.isWished(c.wish())
                            && (c.options().access() == Access.READ_ONLY || MssqlProfiles.onlyReads(c.profile())),
                    c -> "verifiable where nothing may be written cannot be had on " + c.server()
                            + ", which would have to write a marker row: what only reads leaves nothing to settle; leave"
                            + " the option out"),
            new Rule(
                    c -> c.wish().carries(Carry.TX_ID),
                    c -> c.server() + " does not know afterwards what became of a transaction by its id (verifiable):"
                            + " a marker row is written instead"),
            new Rule(
                    c -> c.wish().carries(Carry.POSITION),
                    c -> c.server()
                            + " does not tell the position of a commit: ask for sticky or primary reads instead of"
                            + " causal ones"));

    private MssqlRefusals() {}

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
