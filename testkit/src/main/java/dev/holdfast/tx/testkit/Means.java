package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.TestHooks;

/** What a case needs besides the database's features. Without it the case is {@link Verdict#UNTESTED}, never wrong. */
public enum Means {
    /** Two transactions can write at the same time. */
    CONCURRENT_WRITERS("the database lets one transaction write at a time") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return !run.profile().has(Feature.SINGLE_WRITER);
        }
    },
    /** Only one transaction can write at a time. */
    SINGLE_WRITER("the database lets several transactions write at the same time") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return run.profile().has(Feature.SINGLE_WRITER);
        }
    },
    /** A session can be ended from outside. */
    KILL("the dialect's test hooks name no way to end a session") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return hooks.kill() != null && hooks.sessionId() != null;
        }
    },
    /** The server can be told to end a session in which a transaction is idle. */
    IDLE_LIMIT("the dialect's test hooks name no limit on idle transactions") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return hooks.idleLimit() != null;
        }
    },
    /** A query that runs until it is cancelled. */
    SLOW_QUERY("the dialect's test hooks name no slow query") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return hooks.slow() != null;
        }
    },
    /** The driver talks to the server over a network that a proxy can cut. */
    NETWORK("there is no network between driver and database") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return run.database().network().isPresent();
        }
    },
    /** A primary and a replica that follows it. */
    REPLICA("the database under test comes without a replica") {
        @Override
        boolean isThere(CaseRun run, TestHooks hooks) {
            return run.database().replicated().isPresent();
        }
    };

    private final String whyNot;

    Means(String whyNot) {
        this.whyNot = whyNot;
    }

    abstract boolean isThere(CaseRun run, TestHooks hooks);

    /** Why a case that needs this was not run, as reports say it. */
    public String whyNot() {
        return whyNot;
    }
}
