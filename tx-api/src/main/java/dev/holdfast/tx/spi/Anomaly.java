package dev.holdfast.tx.spi;

/** What concurrent transactions can do to each other, after Adya's and Hermitage's names. */
public enum Anomaly {
    /** G0: two transactions overwrite each other's uncommitted rows. */
    DIRTY_WRITE,
    /** G1a: a rolled back row was seen. */
    ABORTED_READ,
    /** G1b: a row was seen in a state that its writer replaced before committing. */
    INTERMEDIATE_READ,
    /** G1c: two transactions saw each other's writes. */
    CIRCULAR_INFORMATION_FLOW,
    /** OTV: a transaction was seen, and then a state that it had overwritten. */
    OBSERVED_TRANSACTION_VANISHES,
    /** PMP for reads: the same predicate found a committed row the second time only. */
    PREDICATE_READ_SKEW,
    /** PMP for writes: a write by predicate fits no order of the transactions. */
    PREDICATE_WRITE_SKEW,
    /** P4: a write based on a value read before it was overwritten. */
    LOST_UPDATE,
    /** An increment within one statement was lost. */
    LOST_INCREMENT,
    /** G-single: of two rows written together the old one and the new one were read. */
    READ_SKEW,
    /** G-single by an inserted row. */
    READ_SKEW_BY_INSERT,
    /** G-single on a write: an old state was read and a new one written by predicate. */
    STALE_WRITE_PREDICATE,
    /** Half of another transaction became visible through an own write. */
    HALF_VISIBLE_TRANSACTION,
    /** An own write to another column made a row read differently. */
    NON_REPEATABLE_AFTER_OWN_WRITE,
    /** A row read twice was different. */
    NON_REPEATABLE_READ,
    /** A predicate counted twice found more. */
    PHANTOM,
    /** G2-item: two transactions read both rows and each wrote one. */
    WRITE_SKEW,
    /** G2: the same with predicates and inserts. */
    PREDICATE_CYCLE,
    /** A reader made the order of two writers impossible. */
    READ_ONLY_ANOMALY,
    /** Write skew among three. */
    WRITE_SKEW_RING,
    /** Two readers saw two writes in opposite orders. */
    LONG_FORK
}
