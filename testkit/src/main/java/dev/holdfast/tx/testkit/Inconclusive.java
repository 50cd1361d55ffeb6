package dev.holdfast.tx.testkit;

/** Thrown by a case that did not come to where it shows anything; it is tried again, and then reported as such. */
public final class Inconclusive extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * One.
     *
     * @param why what did not happen, for the report
     */
    public Inconclusive(String why) {
        super(why);
    }
}
