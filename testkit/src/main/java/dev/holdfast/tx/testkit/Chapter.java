package dev.holdfast.tx.testkit;

/** The chapters of the catalogue; the id of each case begins with the name of one. */
public enum Chapter {
    /** Declarations. */
    DCL("what the dialect declares"),
    /** Life cycle. */
    LIF("beginning and ending"),
    /** Options. */
    OPT("options"),
    /** Nesting. */
    NST("scopes in scopes"),
    /** Savepoints. */
    SVP("savepoints"),
    /** Unmanaged transactions. */
    UNM("unmanaged transactions"),
    /** Hooks and events. */
    HOK("hooks and events"),
    /** Settling. */
    STL("lost commits that are settled"),
    /** Retry. */
    RTY("retry"),
    /** Timeouts. */
    TMO("limits of time"),
    /** Cancelling. */
    CAN("cancelling"),
    /** Hygiene. */
    HYG("the session is left as found"),
    /** Failures. */
    ERR("failures and what they mean"),
    /** Constraints. */
    CON("constraints and DDL"),
    /** Read only. */
    RO("read only"),
    /** Row locks. */
    LCK("row locks"),
    /** Isolation. */
    ISO("isolation"),
    /** Concurrency. */
    CCY("many at once"),
    /** Faults. */
    FLT("faults"),
    /** Traps. */
    TRP("traps that others fell into"),
    /** Test fixtures. */
    FIX("test fixtures"),
    /** Replicas. */
    RPL("replicas"),
    /** Stochastic checks. */
    STO("random workloads");

    private final String title;

    Chapter(String title) {
        this.title = title;
    }

    /** What it is about. */
    public String title() {
        return title;
    }

    /**
     * The chapter that an id belongs to.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Chapter of(String id) {
        return valueOf(id.substring(0, id.indexOf('-')));
    }
}
