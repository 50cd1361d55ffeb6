package dev.holdfast.tx.engine.internal;

/** The engine's logger: for what went wrong after the caller's answer was settled. */
final class Log {
    static final System.Logger LOGGER = System.getLogger("dev.holdfast.tx");

    private Log() {}
}
