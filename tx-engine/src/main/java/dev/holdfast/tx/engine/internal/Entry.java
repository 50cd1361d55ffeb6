package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How a scope starts. Pure: the same arguments give the same decision. */
final class Entry {
    /** The four ways, and no fifth. */
    sealed interface Decision {
        /** A transaction of its own. */
        record Start() implements Decision {
            private static final Start START = new Start();
        }

        /** Part of the running unit, with these options in force. */
        record Join(TxOptions inForce) implements Decision {}

        /**
         * A savepoint in the running transaction.
         *
         * @param inForce its options
         * @param notes what was bent
         * @param standsForRoot whether it would be a root, but for the test fixture around it
         */
        record Savepoint(TxOptions inForce, List<String> notes, boolean standsForRoot) implements Decision {}

        /** Not at all. */
        record Reject(String why) implements Decision {}
    }

    /** What is around the running scope. */
    enum Around {
        /** Nothing but what it says. */
        REAL,
        /** A test fixture, which is rolled back whatever happens: nothing started inside may be committed. */
        FIXTURE
    }

    /**
     * What is running where the scope wants to start.
     *
     * @param inForce its options
     * @param profile of its server
     * @param around the root of its transaction
     */
    record Running(TxOptions inForce, Profile profile, Around around) {
        Running(TxOptions inForce, Profile profile) {
            this(inForce, profile, inForce.completion() == Completion.FIXTURE ? Around.FIXTURE : Around.REAL);
        }

        /** Whether the scope is the fixture itself. */
        boolean isFixture() {
            return inForce.completion() == Completion.FIXTURE;
        }
    }

    private Entry() {}

    /**
     * Decides.
     *
     * @param running what is running; null if nothing is
     * @param asked the options of the scope alone, without defaults
     * @param fallback the propagation of a scope that asks for none
     */
    static Decision decide(@Nullable Running running, TxOptions asked, Propagation fallback) {
        Propagation propagation = asked.propagation() == null ? fallback : asked.propagation();
        if (running == null) {
            return propagation == Propagation.MANDATORY
                    ? new Decision.Reject("propagation MANDATORY needs a running transaction and there is none;"
                            + " start one around this call, or use REUSE")
                    : Decision.Start.START;
        }
        if (running.isFixture()) {
            return insideFixture(running, asked, propagation);
        }
        return switch (propagation) {
            case SEPARATE ->
                running.around() == Around.FIXTURE ? insideFixture(running, asked, propagation) : Decision.Start.START;
            case ROOT_ONLY ->
                new Decision.Reject("propagation ROOT_ONLY must not run inside a transaction and one is"
                        + " running; call it outside, or use SEPARATE");
            case REUSE, MANDATORY -> {
                String conflict = conflict(running, asked, Propagation.REUSE, false);
                yield conflict == null
                        ? new Decision.Join(inherit(running.inForce(), asked))
                        : new Decision.Reject(conflict);
            }
            case SAVEPOINT -> {
                String conflict = conflict(running, asked, Propagation.SAVEPOINT, false);
                yield conflict == null
                        ? new Decision.Savepoint(withOwnEnd(inherit(running.inForce(), asked), asked), List.of(), false)
                        : new Decision.Reject(conflict);
            }
        };
    }

    /** A fixture is invisible to the code inside it: its roots become savepoints, and what cannot be had is noted. */
    private static Decision insideFixture(Running running, TxOptions asked, Propagation propagation) {
        if (propagation == Propagation.MANDATORY) {
            return new Decision.Reject(
                    "propagation MANDATORY needs a running transaction, and a test fixture does not" + " count as one");
        }
        TxOptions unseen = asked.completion() == null ? asked.completion(Completion.COMMIT) : asked;
        List<String> notes = new ArrayList<>();
        if (propagation == Propagation.SEPARATE) {
            notes.add("runs as a savepoint of a test fixture: a transaction of its own would be committed");
        }
        String bent = conflict(running, asked, Propagation.SAVEPOINT, true);
        if (bent != null) {
            notes.add("runs inside a test fixture as it is: " + bent);
        }
        return new Decision.Savepoint(running.inForce().overlay(unseen), notes, true);
    }

    /** A savepoint in what will be rolled back at its end is released all the same, unless it asks for more. */
    private static TxOptions withOwnEnd(TxOptions inForce, TxOptions asked) {
        return asked.completion() == null && inForce.completion() != null
                ? inForce.completion(Completion.COMMIT)
                : inForce;
    }

    /**
     * What keeps the database from opening the scope inside any transaction; null if nothing does. Not asked of scopes that
     * start a transaction: their options are planned.
     */
    static @Nullable String lacking(Running running, TxOptions asked, Propagation fallback) {
        Propagation propagation = asked.propagation() == null ? fallback : asked.propagation();
        boolean inFixture = running.around() == Around.FIXTURE;
        if (propagation != Propagation.SAVEPOINT && !inFixture) {
            return null;
        }
        Profile profile = running.profile();
        if (!profile.has(Feature.SAVEPOINTS)) {
            return "a nested scope is asked for, and " + profile.server()
                    + " has no savepoints; use propagation REUSE or SEPARATE";
        }
        boolean lessThanRunning =
                asked.access() == Access.READ_ONLY && running.inForce().access() != Access.READ_ONLY;
        return lessThanRunning && !inFixture ? accessConflict(running, asked.access(), Propagation.SAVEPOINT) : null;
    }

    /** The options in force in a scope that joins: the running ones, with its own label and tighter limits. */
    static TxOptions inherit(TxOptions running, TxOptions asked) {
        if (asked.equals(TxOptions.none())) {
            return running;
        }
        TxOptions inForce = running;
        if (asked.label() != null) {
            inForce = inForce.label(asked.label());
        }
        if (asked.isLabelInSql()) {
            inForce = inForce.labelInSql();
        }
        if (asked.completion() != null) {
            inForce = inForce.completion(asked.completion());
        }
        if (asked.access() == Access.READ_ONLY && running.access() != Access.READ_ONLY) {
            inForce = inForce.readOnly();
        }
        Duration statement = tighter(running.statementTimeout(), asked.statementTimeout());
        if (statement != null && !statement.equals(running.statementTimeout())) {
            inForce = inForce.statementTimeout(statement);
        }
        Duration whole = tighter(running.wholeTimeout(), asked.wholeTimeout());
        if (whole != null && !whole.equals(running.wholeTimeout())) {
            inForce = inForce.wholeTimeout(whole);
        }
        return inForce;
    }

    private static @Nullable Duration tighter(@Nullable Duration one, @Nullable Duration other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.compareTo(other) <= 0 ? one : other;
    }

    /** What keeps the scope from joining; null if nothing does. */
    private static @Nullable String conflict(Running running, TxOptions asked, Propagation how, boolean standsForRoot) {
        if (asked.equals(TxOptions.none())) {
            return null;
        }
        TxOptions inForce = running.inForce();
        String conflict = isolationConflict(running, asked.isolation());
        if (conflict == null) {
            conflict = accessConflict(running, asked.access(), how);
        }
        if (conflict == null) {
            conflict = completionConflict(asked.completion(), how);
        }
        if (conflict != null) {
            return conflict;
        }
        if (asked.acquireTimeout() != null
                && !(standsForRoot && asked.acquireTimeout().equals(inForce.acquireTimeout()))) {
            return "acquireTimeout is asked for, but the transaction it would join has its connection's limit already;"
                    + " set it on the root, or use SEPARATE";
        }
        if (asked.retry() != null && !standsForRoot) {
            return "a retry policy is asked for, but only the root of a transaction can be run again; set it there";
        }
        if (asked.isVerifiable() && !inForce.isVerifiable()) {
            return "verifiable is asked for, and the running transaction is not; ask for it at the root";
        }
        String different = different("lockTimeout", inForce.lockTimeout(), asked.lockTimeout());
        if (different == null) {
            different = different("constraint checking", inForce.constraints(), asked.constraints());
        }
        if (different == null) {
            different = different("beginMode", inForce.beginMode(), asked.beginMode());
        }
        if (different == null) {
            different = different("reads", inForce.reads(), asked.reads());
        }
        for (TxOption<?> option : asked.dialectOptions()) {
            if (different == null) {
                different = different(option.name(), inForce.get(option), asked.get(option));
            }
        }
        return different;
    }

    private static @Nullable String different(String name, @Nullable Object running, @Nullable Object asked) {
        return asked == null || Objects.equals(running, asked)
                ? null
                : name + " " + asked + " is asked for, but the running transaction has "
                        + (running == null ? "none" : running) + "; ask for it at the root, or use SEPARATE";
    }

    private static @Nullable String isolationConflict(Running running, @Nullable Isolation asked) {
        if (asked == null) {
            return null;
        }
        Profile profile = running.profile();
        Isolation has = running.inForce().isolation();
        IsolationModel wanted = profile.model(asked);
        IsolationModel given = profile.model(has);
        if (wanted != null && given != null && given.covers(wanted)) {
            return null;
        }
        return "isolation " + asked + " is asked for, but the running transaction has "
                + (has == null ? "the server's default, " + profile.defaultIsolation() : has)
                + ", which gives less; ask for it at the root, or use SEPARATE";
    }

    private static @Nullable String accessConflict(Running running, @Nullable Access asked, Propagation how) {
        boolean runningReadOnly = running.inForce().access() == Access.READ_ONLY;
        if (asked == Access.READ_WRITE && runningReadOnly) {
            return "READ_WRITE is asked for inside a READ_ONLY transaction; make the root READ_WRITE, or use SEPARATE";
        }
        if (asked == Access.READ_ONLY && !runningReadOnly) {
            if (how == Propagation.SAVEPOINT && running.profile().has(Feature.READ_ONLY_SAVEPOINT)) {
                return null;
            }
            return "READ_ONLY is asked for inside a READ_WRITE transaction, and "
                    + (how == Propagation.SAVEPOINT
                            ? running.profile().server() + " cannot make a savepoint read-only"
                            : "joining cannot enforce it")
                    + "; use READ_ONLY_HINT, or SEPARATE";
        }
        return null;
    }

    private static @Nullable String completionConflict(@Nullable Completion asked, Propagation how) {
        if (asked == Completion.FIXTURE) {
            return "a test fixture must be the root, and a transaction is running; start it outside";
        }
        if (asked == Completion.ROLLBACK && how != Propagation.SAVEPOINT) {
            return "forceRollback is asked for, but a joined scope has no end of its own; use propagation SAVEPOINT";
        }
        return null;
    }
}
