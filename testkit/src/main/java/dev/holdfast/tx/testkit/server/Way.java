package dev.holdfast.tx.testkit.server;

import org.jspecify.annotations.Nullable;

/** A way to come to a server. */
interface Way {
    /** Why it cannot be gone here; null if it can. */
    @Nullable
    String obstacle();

    /** A server that runs; what was started ends with this JVM, and is the same for all who ask. */
    ServerUrl go();
}
