package dev.holdfast.tx.mssql.tds;

import java.util.List;
import java.util.Optional;

/** What one session's statements work on, where a test has no answers of its own. Told of all that its transaction does. */
interface Store extends AutoCloseable {
    /** Carries a statement out, with what the session has set; {@code @P0} and so on stand for the parameters. */
    Answer run(String sql, List<Object> parameters, SessionModel session);

    /** What it says to a question of a test about another session; empty if it does not know it. */
    Optional<Answer> asked(String sql);

    void begin(SessionModel session);

    void commit();

    void rollBack();

    void save(String name);

    void rollBackTo(String name);

    /** Stops what is running, from another thread. */
    void cancel();

    @Override
    void close();
}
