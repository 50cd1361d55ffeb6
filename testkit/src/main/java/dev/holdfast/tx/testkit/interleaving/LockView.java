package dev.holdfast.tx.testkit.interleaving;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** What the server says of who waits for a lock. One that raises an error is not asked again. */
final class LockView {
    private final @Nullable String query;
    private final Connection monitor;
    private boolean broken;

    LockView(@Nullable String query, Connection monitor) {
        this.query = query;
        this.monitor = monitor;
    }

    boolean isThere() {
        return query != null && !broken;
    }

    /** Whether it says that the session of this lane waits; of one that has not begun it says nothing. */
    boolean saysWaiting(Lane lane) {
        String id = lane.sessionId();
        if (query == null || broken || id == null) {
            return false;
        }
        try (Statement statement = monitor.createStatement();
                ResultSet row = statement.executeQuery(query.replace("{session}", id))) {
            return row.next();
        } catch (SQLException e) {
            broken = true;
            return false;
        }
    }
}
