package dev.holdfast.tx;

/** Whether a transaction may write. */
public enum Access {
    /** Reads and writes. */
    READ_WRITE,
    /** Reads only: the server refuses writes, or the option is refused; may be routed to a replica. */
    READ_ONLY,
    /**
     * Intended to read: routed as {@link #READ_ONLY} is, and refused its writes where it may be sent to a replica and the server
     * can; where no replicas are configured nothing refuses a write.
     */
    READ_ONLY_HINT
}
