package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The connections behind the lanes: which there are, and what the server calls them. */
final class Sessions {
    private final @Nullable String idQuery;
    private final List<Connection> physical = new CopyOnWriteArrayList<>();

    Sessions(@Nullable String idQuery) {
        this.idQuery = idQuery;
    }

    /** These sessions, remembered. */
    DataSource remembered(DataSource sessions) {
        return around(sessions, connection -> physical.add(connection));
    }

    /** This pool, which tells each lane the id of its session before anything else is done there. */
    DataSource identified(DataSource pool) {
        return around(pool, connection -> {
            Lane lane = Lane.current();
            if (lane == null) {
                return;
            }
            for (Connection one : physical) {
                if (connection.isWrapperFor(one.getClass()) && connection.unwrap(one.getClass()) == one) {
                    lane.isOn(one);
                }
            }
            if (idQuery == null) {
                return;
            }
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(idQuery)) {
                if (row.next()) {
                    lane.isSession(row.getString(1));
                }
            }
        });
    }

    /** Ends them all: nothing else frees a thread that waits for a server. */
    void abort() {
        for (Connection connection : physical) {
            Facts.thrownBy(() -> connection.abort(Runnable::run));
        }
    }

    private interface Seen {
        void connection(Connection connection) throws SQLException;
    }

    private static DataSource around(DataSource real, Seen seen) {
        return JdbcProxy.of(DataSource.class, "watched", (self, method, arguments) -> {
            Object result = JdbcProxy.call(real, method, arguments);
            if (method.getName().equals("getConnection") && result instanceof Connection connection) {
                seen.connection(connection);
            }
            return result;
        });
    }
}
