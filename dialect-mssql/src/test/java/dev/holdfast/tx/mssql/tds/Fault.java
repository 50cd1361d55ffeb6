package dev.holdfast.tx.mssql.tds;

/** What goes wrong with a request, once. */
public enum Fault {
    /** The connection is closed before the request is looked at. */
    CUT_BEFORE,
    /** The request is carried out, and the connection closed without an answer. */
    CUT_AFTER,
    /** The request is carried out, and the connection closed after half of the answer. */
    CUT_IN_ANSWER,
    /** There is no answer before the client asks to cancel it; nothing is done then. */
    HANG,
    /** The request is carried out, and there is no answer before the client asks to cancel it. */
    HANG_AFTER,
    /** The request is carried out and answered, and then the connection closed. */
    CUT_AFTER_ANSWER
}
