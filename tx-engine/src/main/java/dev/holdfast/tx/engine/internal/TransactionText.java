package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxStateException;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Tells statements that begin or end transactions by their first words. */
final class TransactionText {
    /**
     * A word that begins or ends transactions.
     *
     * @param first the first word of the statement
     * @param seconds the words it must be followed by; empty for any, {@code ""} for none
     */
    private record Word(String first, List<String> seconds) {
        boolean matches(String sql, int start, int end) {
            return end - start == first.length() && sql.regionMatches(true, start, first, 0, first.length());
        }
    }

    private static final Word[] WORDS = {
        new Word("COMMIT", List.of()),
        new Word("ROLLBACK", List.of()),
        new Word("SAVEPOINT", List.of()),
        new Word("ABORT", List.of()),
        new Word("RELEASE", List.of()),
        // T-SQL and MariaDB open blocks with BEGIN: what follows there is left alone
        new Word(
                "BEGIN",
                List.of(
                        "",
                        "TRAN",
                        "TRANSACTION",
                        "WORK",
                        "DISTRIBUTED",
                        "DEFERRED",
                        "IMMEDIATE",
                        "EXCLUSIVE",
                        "CONCURRENT",
                        "ISOLATION",
                        "READ")),
        new Word("END", List.of("", "TRANSACTION", "WORK", "AND")),
        new Word("START", List.of("TRANSACTION")),
        new Word("SAVE", List.of("TRAN", "TRANSACTION")),
        new Word("PREPARE", List.of("TRANSACTION")),
        new Word("SET", List.of("TRANSACTION", "AUTOCOMMIT", "IMPLICIT_TRANSACTIONS")),
        new Word("XA", List.of()),
    };

    /** First words of statements that define things, or grant them: on many servers these commit. */
    private static final Word[] DEFINING = Stream.of(
                    "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "COMMENT", "GRANT", "REVOKE")
            .map(first -> new Word(first, List.of()))
            .toArray(Word[]::new);

    private TransactionText() {}

    /** Whether a statement defines or grants something: where such statements commit, it has ended its transaction. */
    static boolean defines(String sql) {
        int start = skip(sql, 0, "(;{");
        int end = word(sql, start);
        for (Word word : DEFINING) {
            if (word.matches(sql, start, end)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Refuses what would begin or end a transaction behind the engine's back.
     *
     * @throws SQLException caused by a {@link TxStateException}
     */
    static void refuse(String sql) throws SQLException {
        int start = skip(sql, 0, "(;{");
        int end = word(sql, start);
        for (Word word : WORDS) {
            if (word.matches(sql, start, end)) {
                int second = skip(sql, end, "");
                String follows = sql.substring(second, word(sql, second)).toUpperCase(Locale.ROOT);
                if (word.seconds().isEmpty() || word.seconds().contains(follows)) {
                    throw refusal(sql);
                }
            }
        }
    }

    /** That a statement is not sent. */
    static SQLException refusal(String sql) {
        return Refused.of(new TxStateException("'" + shortened(sql)
                + "' would begin or end a transaction behind Holdfast's back and was not sent; return or throw from"
                + " the scope, call setRollbackOnly, or open a nested scope"));
    }

    /** That a statement is not sent in a read-only transaction, which it would end before it writes. */
    static SQLException refusalInReadOnly(String sql) {
        return Refused.of(new TxStateException("'" + shortened(sql)
                + "' would commit by itself and then write, so it was not sent in a READ_ONLY transaction; run it outside of"
                + " transactions"));
    }

    /** As much of a statement as an error tells. */
    static String shortened(String sql) {
        return sql.length() > 60 ? sql.substring(0, 60) + "…" : sql;
    }

    private static int word(String sql, int at) {
        int end = at;
        while (end < sql.length() && (Character.isLetterOrDigit(sql.charAt(end)) || sql.charAt(end) == '_')) {
            end++;
        }
        return end;
    }

    /** Past blanks, comments and some punctuation, such as may come before a first word. */
    private static int skip(String sql, int at, String punctuation) {
        int i = at;
        while (i < sql.length()) {
            char c = sql.charAt(i);
            if (Character.isWhitespace(c) || punctuation.indexOf(c) >= 0) {
                i++;
            } else if (sql.startsWith("--", i) || c == '#') {
                int line = sql.indexOf('\n', i);
                i = line < 0 ? sql.length() : line + 1;
            } else if (sql.startsWith("/*", i)) {
                int close = sql.indexOf("*/", i + 2);
                i = close < 0 ? sql.length() : close + 2;
            } else {
                return i;
            }
        }
        return i;
    }
}
