package dev.holdfast.tx.testkit;

/** Thrown by a case that finds out while it runs that what it needs is not there. */
public final class Untested extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * One.
     *
     * @param why what is missing, for the report
     */
    public Untested(String why) {
        super(why);
    }
}
