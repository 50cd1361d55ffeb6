package dev.holdfast.tx.engine.internal;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A label as a comment of a statement, in the form that SQLCommenter has made common. It comes last: hints for planners and
 * proxies are looked for in front, and so is what kind of statement it is.
 */
final class LabelComment {
    private LabelComment() {}

    /** The comment for a label; null for none. Nothing in it can end it, or pass for a parameter. */
    static @Nullable String of(@Nullable String label) {
        return label == null
                ? null
                : "/*label='"
                        + URLEncoder.encode(label, StandardCharsets.UTF_8)
                                .replace("+", "%20")
                                .replace("*", "%2A")
                        + "'*/";
    }

    /** The statement with the comment: in front of a last semicolon, behind which drivers see another statement. */
    static String in(String sql, String comment) {
        int end = sql.length();
        while (end > 0 && (sql.charAt(end - 1) == ';' || Character.isWhitespace(sql.charAt(end - 1)))) {
            end--;
        }
        if (end == 0 || sql.charAt(end - 1) == '}') { // a call in JDBC's braces, which nothing may follow
            return sql;
        }
        String lastLine = sql.substring(sql.lastIndexOf('\n', end - 1) + 1, end);
        boolean mayBeComment = lastLine.contains("--") || lastLine.indexOf('#') >= 0;
        return sql.substring(0, end) + (mayBeComment ? "\n" : " ") + comment + sql.substring(end);
    }
}
