package dev.holdfast.samples.jobs;

import dev.holdfast.tx.Tx;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Has workers crash: whoever does one of certain jobs first. Every second time its connection breaks, as when its machine
 * goes down, so that nobody is left to roll back and the server does it when it notices.
 */
final class Accidents {
    private static final int EACH = 1_000;

    private final Set<Integer> happened = ConcurrentHashMap.newKeySet();

    void pass(Tx tx, int worker, int job) throws SQLException {
        if (job % EACH != EACH / 2 || !happened.add(job)) {
            return;
        }
        if (job / EACH % 2 == 0) {
            tx.connection().abort(Runnable::run);
        }
        throw new Crash(worker, job);
    }
}
