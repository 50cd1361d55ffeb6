package dev.holdfast.tx.testkit;

/** What became of one case on one database. */
public enum Verdict {
    /** The fact holds. */
    PASS,
    /** It does not. */
    FAIL,
    /** The database does not claim what the case needs, and refuses it as it must: as good as a pass. */
    REFUSED,
    /** The case did not come to where it shows anything: an interleaving was not reached, a fault did not fire. */
    INCONCLUSIVE,
    /** It fails, and a {@link Waiver} with a reason says that this is known. */
    WAIVED,
    /** Nothing is asked of the database; what it does is in the report. */
    INFO,
    /** What is needed to show it was not there: a proxy in front of a database without a network, for example. */
    UNTESTED
}
