package dev.holdfast.tx.mysql;

import java.util.Locale;

/**
 * The words and signs of a text, past blanks, comments and quoted things. No string is made of what is only passed. Not
 * for sharing.
 */
final class MysqlTokens {
    /** How a text is read where the text alone does not tell. */
    enum Reading {
        /** What stands in comments that some servers execute is read like any other text. */
        EXECUTED,
        /** Such comments are passed like any other: the server is older than they ask for, or of another make. */
        SKIPPED
    }

    private final String sql;
    private final Reading reading;
    private final boolean backslashEscapes;
    private int start;
    private int at;
    private boolean metExecutable;

    MysqlTokens(String sql, Reading reading, boolean backslashEscapes) {
        this.sql = sql;
        this.reading = reading;
        this.backslashEscapes = backslashEscapes;
    }

    /** Whether there is another statement. It may stand in parentheses, or be a call as JDBC writes it. */
    boolean hasStatement() {
        skipBlanks();
        while (at < sql.length() && ";({?=".indexOf(sql.charAt(at)) >= 0) {
            at++;
            skipBlanks();
        }
        return at < sql.length();
    }

    /** Whether the text goes on with one of these words, and whatever reading there is would say so. */
    boolean goesOnWith(String[] words) {
        if (!metExecutable) {
            for (String word : words) {
                if (sql.regionMatches(true, at, word, 0, word.length())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a comment was met that some servers execute. */
    boolean metExecutable() {
        return metExecutable;
    }

    /** Goes past the end of the statement. */
    void skipStatement() {
        while (advance()) {}
    }

    /** Goes past the end of the text. */
    void skipText() {
        at = sql.length();
    }

    /** Whether a value is assigned to what came last. */
    boolean isAssignment() {
        skipBlanks();
        return sql.startsWith("=", at) || sql.startsWith(":=", at);
    }

    /**
     * The next word, in upper case, or sign of the statement; {@code @@} counts as one sign, and a string as a sign; a name
     * in quotes is told as it is, with its quotes; empty at the end of the statement.
     */
    String next() {
        return advance() ? sql.substring(start, at).toUpperCase(Locale.ROOT) : "";
    }

    /** Goes past the next word, sign, or quoted thing; not past the end of the statement, and says so. */
    private boolean advance() {
        skipBlanks();
        if (at >= sql.length() || sql.charAt(at) == ';') {
            return false;
        }
        start = at;
        char c = sql.charAt(at);
        if (isWordPart(c)) {
            while (at < sql.length() && isWordPart(sql.charAt(at))) {
                at++;
            }
        } else if (c == '\'' || c == '"' || c == '`') {
            skipQuoted(c);
        } else {
            at += sql.startsWith("@@", at) ? 2 : 1;
        }
        return true;
    }

    private static boolean isWordPart(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '$';
    }

    /** A doubled quote reads as two quoted things, which makes no difference. */
    private void skipQuoted(char quote) {
        at++;
        while (at < sql.length() && sql.charAt(at) != quote) {
            at += sql.charAt(at) == '\\' && backslashEscapes && quote != '`' ? 2 : 1;
        }
        at = Math.min(at + 1, sql.length());
    }

    private void skipBlanks() {
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (Character.isWhitespace(c)) {
                at++;
            } else if (c == '#' || isDashComment()) {
                int line = sql.indexOf('\n', at);
                at = line < 0 ? sql.length() : line + 1;
            } else if (sql.startsWith("/*", at)) {
                skipComment();
            } else if (sql.startsWith("*/", at)) {
                at += 2; // of a comment that is executed
            } else {
                return;
            }
        }
    }

    /** Two dashes begin a comment only where a blank follows. */
    private boolean isDashComment() {
        return sql.startsWith("--", at) && (at + 2 == sql.length() || sql.charAt(at + 2) <= ' ');
    }

    /** Into a comment that some execute, {@code /*!80000 …} or MariaDB's {@code /*M! …}, if so read; past any other. */
    private void skipComment() {
        int inside = sql.startsWith("/*!", at) ? at + 3 : sql.startsWith("/*M!", at) ? at + 4 : -1;
        metExecutable |= inside >= 0;
        if (inside < 0 || reading == Reading.SKIPPED) {
            int close = sql.indexOf("*/", at + 2);
            at = close < 0 ? sql.length() : close + 2;
            return;
        }
        at = inside;
        while (at < sql.length() && Character.isDigit(sql.charAt(at))) {
            at++;
        }
    }
}
