package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxBody;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a session does in one step. In its SQL, <code>{t}</code> stands for the table of the play and <code>{a}</code> for the
 * first value that the session's step named
 * {@code a} has read. Immutable; the withers answer new values.
 */
public final class Act {
    enum Kind {
        BEGIN,
        READ,
        WRITE,
        LOCK,
        OTHER,
        COMMIT,
        ROLLBACK;

        boolean isEnd() {
            return this == COMMIT || this == ROLLBACK;
        }
    }

    private static final Act BEGIN = new Act(Kind.BEGIN, "begin", null, null, "", List.of());
    private static final Act COMMIT = new Act(Kind.COMMIT, "commit", null, null, "", List.of());
    private static final Act ROLLBACK = new Act(Kind.ROLLBACK, "rollback", null, null, "", List.of());

    final Kind kind;
    final String text;
    final @Nullable RowLock lock;
    final @Nullable TxBody<List<Integer>> body;
    final String name;
    final List<String> after;

    private Act(
            Kind kind,
            String text,
            @Nullable RowLock lock,
            @Nullable TxBody<List<Integer>> body,
            String name,
            List<String> after) {
        this.kind = kind;
        this.text = Objects.requireNonNull(text);
        this.lock = lock;
        this.body = body;
        this.name = name;
        this.after = after;
    }

    /** Begins at once; sessions that are not told to begin do so before their first step. */
    public static Act begin() {
        return BEGIN;
    }

    /** Reads the first column of a query. */
    public static Act read(String query) {
        return new Act(Kind.READ, query, null, null, "", List.of());
    }

    /** Runs a statement that writes. */
    public static Act write(String statement) {
        return new Act(Kind.WRITE, statement, null, null, "", List.of());
    }

    /**
     * Reads the first column of a query and locks its rows.
     *
     * @param template as {@link dev.holdfast.tx.Tx#lock} takes it
     */
    public static Act lock(RowLock lock, String template) {
        return new Act(Kind.LOCK, template, Objects.requireNonNull(lock), null, "", List.of());
    }

    /** Does something else. */
    public static Act of(String description, TxBody<List<Integer>> body) {
        return new Act(Kind.OTHER, description, null, Objects.requireNonNull(body), "", List.of());
    }

    /** Commits: the last step of its session. */
    public static Act commit() {
        return COMMIT;
    }

    /** Rolls back: the last step of its session. */
    public static Act rollback() {
        return ROLLBACK;
    }

    /** With a name, for what it reads and for the steps that must come after it. */
    public Act as(String name) {
        return new Act(kind, text, lock, body, name, after);
    }

    /**
     * The play shows something only if those steps were done when this one began, or could not be done: because the
     * database made their session wait, or ended it.
     */
    public Act after(String... names) {
        List<String> all = new ArrayList<>(after);
        all.addAll(List.of(names));
        return new Act(kind, text, lock, body, name, List.copyOf(all));
    }

    /** The text with the table, and with what the steps before it in its session have read, in it. */
    static String filled(String text, String table, List<Step> before) {
        String sql = text.replace("{t}", table);
        for (Step step : before) {
            String hole = "{" + step.act.name + "}";
            if (!step.act.name.isEmpty() && sql.contains(hole) && !step.values().isEmpty()) {
                sql = sql.replace(hole, String.valueOf(step.values().get(0)));
            }
        }
        return sql;
    }

    @Override
    public String toString() {
        return text;
    }
}
