package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts a lock into the places of a select that are marked for it. */
final class LockTemplate {
    private static final Pattern TABLE = Pattern.compile(" ?\\{table-lock(?::([^}]*))?}");
    private static final Pattern END = Pattern.compile(" ?\\{row-lock}");

    private LockTemplate() {}

    static String render(String template, RowLock lock, LockPlan plan) {
        Matcher end = END.matcher(template);
        if (!end.find() || !template.contains("{table-lock")) {
            throw new IllegalArgumentException(
                    "A lock template needs {table-lock} after each table to be locked and {row-lock} at its end, so that"
                            + " it serves every database: " + template);
        }
        Set<String> named = new HashSet<>();
        StringBuilder sql = new StringBuilder();
        Matcher table = TABLE.matcher(template);
        while (table.find()) {
            String alias = table.group(1);
            named.add(alias == null ? "" : alias);
            boolean meant =
                    lock.tables().isEmpty() || (alias != null && lock.tables().contains(alias));
            String hint = meant && !plan.tableHint().isEmpty() ? " " + plan.tableHint() : "";
            table.appendReplacement(sql, Matcher.quoteReplacement(hint));
        }
        table.appendTail(sql);
        for (String wanted : lock.tables()) {
            if (!named.contains(wanted)) {
                throw new IllegalArgumentException("The lock is of " + wanted + ", and the template has no {table-lock:"
                        + wanted + "}: " + template);
            }
        }
        String tail = plan.tail().isEmpty() ? "" : " " + plan.tail();
        return END.matcher(sql).replaceAll(Matcher.quoteReplacement(tail));
    }
}
