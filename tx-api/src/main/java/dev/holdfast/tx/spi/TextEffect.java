package dev.holdfast.tx.spi;

/** What the text of a statement tells of the transaction it is sent in. */
public enum TextEffect {
    /** The dialect leaves it to the engine, which knows the first words that are common to most databases. */
    UNTOLD,
    /** It leaves the transaction open. */
    NONE,
    /** It may end the transaction, as a procedure may: the engine asks the driver, before and after. */
    MAY_END,
    /** It commits the transaction by itself, even if it fails. */
    COMMITS,
    /** It begins or ends transactions: the engine refuses to send it. */
    CONTROLS
}
