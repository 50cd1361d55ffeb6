package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A select with places for a lock: after its tables, where some databases take hints, and at its end, where others take a
 * clause. What only some of them would notice is refused for all, so that a text that works on one works on every one.
 *
 * <p>SQL is not parsed. Strings, quoted names and comments are passed over, and brackets are matched, to know which places
 * belong to one select.
 */
final class LockTemplate {
    private static final String RULE =
            ". It takes {table-lock} or {table-lock:alias} right after each table, and {row-lock}"
                    + " at the end of the same select, so that it serves every database: ";

    private static final String END = "{row-lock}";
    private static final Pattern TABLE = Pattern.compile("\\{table-lock(?::([\\p{L}_][\\p{L}\\p{N}_$]*))?}");

    /** Whatever looks like a place: one that is misspelt must not be sent. */
    private static final Pattern PLACE =
            Pattern.compile("\\{\\s*(?:table|row)[\\s_-]*locks?[^{}]*}?", Pattern.CASE_INSENSITIVE);

    /** Where nothing is a place. */
    private static final Pattern OPAQUE =
            Pattern.compile("'[^']*'|\"[^\"]*\"|`[^`]*`|--[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);

    private static final String NOTHING = "(?>\\s|--[^\\n]*|/\\*.*?\\*/)*+";
    private static final Pattern SELECT =
            Pattern.compile("\\(" + NOTHING + "(?:select|with)\\b", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern AFTER = Pattern.compile(NOTHING + ";?" + NOTHING + "(?:\\).*)?", Pattern.DOTALL);

    private static final Pattern NAME_BEFORE =
            Pattern.compile("(?:\"([^\"]+)\"|`([^`]+)`|\\[([^\\]]+)]|([\\p{L}\\p{N}_$#@]+))\\s*$");
    /** The name of a table, and its alias if it has one; an expression of the statement's has no schema. */
    private static final String NAME = "(\"[^\"]+\"|`[^`]+`|\\[[^\\]]+]|[\\p{L}\\p{N}_$#@]+)";

    private static final Pattern TABLE_BEFORE = Pattern.compile(
            "(?<![\\p{L}\\p{N}_$#@.\"`\\]])" + NAME + "(?:\\s+(?:as\\s+)?" + NAME + ")?\\s*$",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern KEYWORD = Pattern.compile(
            "from|join|only|lateral|inner|outer|left|right|full|cross|natural|straight_join", Pattern.CASE_INSENSITIVE);

    /** The name of a common table expression, before what it is. */
    private static final Pattern EXPRESSION = Pattern.compile(
            NAME + "\\s*(?:\\([^()]*\\)\\s*)?\\bas\\s*(?:(?:not\\s+)?materialized\\s*)?\\(\\s*"
                    + "(?:select|with|values|table|insert|update|delete|merge)\\b",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern NO_CODE = Pattern.compile("'[^']*'|--[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);

    private static final Pattern NO_NAME = Pattern.compile("from|join|select|where|on", Pattern.CASE_INSENSITIVE);

    /** A place, and the text between it and the place before it. */
    private record Place(
            String before, boolean isEnd, @Nullable String alias) {}

    /** The places of one select: of the statement as a whole, or of one in brackets. */
    private static final class Select {
        int tables;
        int ends;
    }

    private final String template;
    private final Set<String> expressions;
    private final List<Place> places = new ArrayList<>();
    private final List<Select> selects = new ArrayList<>();
    private final String rest;

    private LockTemplate(String template) {
        this.template = template;
        this.expressions = expressions();
        this.rest = read();
        check();
    }

    /**
     * Reads a template.
     *
     * @throws IllegalArgumentException if a place is missing, misspelt, or not where every database has it
     */
    static LockTemplate of(String template) {
        return new LockTemplate(template);
    }

    /**
     * Whether the lock can be put in.
     *
     * @return this
     * @throws IllegalArgumentException if the lock names tables that have no place
     */
    LockTemplate fit(RowLock lock) {
        for (String wanted : lock.tables()) {
            if (places.stream().noneMatch(place -> wanted.equals(place.alias()))) {
                throw wrong("the lock is of " + wanted + ", and there is no {table-lock:" + wanted + "}");
            }
        }
        if (!lock.tables().isEmpty()
                && selects.stream().filter(select -> select.ends > 0).count() > 1) {
            throw wrong("the lock is of " + String.join(", ", lock.tables()) + ", and several selects have places");
        }
        return this;
    }

    /** The select with the lock in it. */
    String with(RowLock lock, LockPlan plan) {
        StringBuilder sql = new StringBuilder();
        for (Place place : places) {
            append(sql, place.before());
            if (!sql.isEmpty() && sql.charAt(sql.length() - 1) == ' ') {
                sql.setLength(sql.length() - 1);
            }
            String text = place.isEnd() ? plan.tail() : isMeant(place, lock) ? plan.tableHint() : "";
            sql.append(text.isEmpty() ? "" : " ").append(text);
        }
        return append(sql, rest).toString();
    }

    private static boolean isMeant(Place place, RowLock lock) {
        return lock.tables().isEmpty()
                || (place.alias() != null && lock.tables().contains(place.alias()));
    }

    /** What stood on two sides of a place does not become one word. */
    private static StringBuilder append(StringBuilder sql, String text) {
        boolean touches = !sql.isEmpty()
                && !text.isEmpty()
                && !Character.isWhitespace(sql.charAt(sql.length() - 1))
                && !Character.isWhitespace(text.charAt(0))
                && "),;".indexOf(text.charAt(0)) < 0;
        return sql.append(touches ? " " : "").append(text);
    }

    // ---- reading

    /** Finds the places; answers what follows the last one. */
    private String read() {
        Deque<Select> open = new ArrayDeque<>();
        open.push(begun());
        int done = 0;
        int at = 0;
        while (at < template.length()) {
            int next = at + 1;
            switch (template.charAt(at)) {
                case '\'', '"', '`', '-', '/' -> next = Math.max(next, end(OPAQUE, at));
                case '(' -> open.push(end(SELECT, at) > at ? begun() : open.element());
                case ')' -> {
                    if (open.size() > 1) {
                        open.pop();
                    }
                }
                case '{' -> {
                    int end = end(PLACE, at);
                    if (end > at) {
                        places.add(place(template.substring(done, at), at, end, open.element()));
                        done = end;
                        next = end;
                    }
                }
                default -> {}
            }
            at = next;
        }
        return template.substring(done);
    }

    private Select begun() {
        Select select = new Select();
        selects.add(select);
        return select;
    }

    private Place place(String before, int at, int end, Select select) {
        String text = template.substring(at, end);
        if (text.equals(END)) {
            if (!AFTER.matcher(template).region(end, template.length()).matches()) {
                throw wrong("something follows {row-lock}");
            }
            select.ends++;
            return new Place(before, true, null);
        }
        Matcher table = TABLE.matcher(text);
        if (!table.matches()) {
            throw wrong("'" + text + "' is no place");
        }
        String alias = table.group(1);
        String name = nameBefore(at);
        if (name == null) {
            throw wrong(text + " does not follow a table");
        }
        if (alias != null && !alias.equalsIgnoreCase(name)) {
            throw wrong(text + " follows '" + name + "'");
        }
        String expression = expressionBefore(at);
        if (expression != null) {
            throw wrong(
                    text + " follows '" + expression + "', a common table expression, whose rows a lock from outside"
                            + " leaves alone: lock inside of it, or the table joined with it");
        }
        select.tables++;
        return new Place(before, false, alias);
    }

    /** The alias of the table, or its name if it has none; null if what is before is no name. */
    private @Nullable String nameBefore(int at) {
        Matcher name = NAME_BEFORE.matcher(template.substring(0, at));
        if (!name.find()) {
            return null;
        }
        for (int quoted = 1; quoted <= 3; quoted++) {
            if (name.group(quoted) != null) {
                return name.group(quoted);
            }
        }
        String plain = name.group(4);
        return plain == null || NO_NAME.matcher(plain).matches() ? null : plain;
    }

    /** The common table expressions of the statement. */
    private Set<String> expressions() {
        Set<String> names = new HashSet<>();
        Matcher found = EXPRESSION.matcher(NO_CODE.matcher(template).replaceAll(" "));
        while (found.find()) {
            names.add(unquoted(found.group(1)));
        }
        return names;
    }

    /** The expression that is read here under its name or another; null if it is a table. */
    private @Nullable String expressionBefore(int at) {
        Matcher found =
                TABLE_BEFORE.matcher(NO_CODE.matcher(template.substring(0, at)).replaceAll(" "));
        if (!found.find()) {
            return null;
        }
        String alias = found.group(2);
        boolean isTable = alias == null || !KEYWORD.matcher(found.group(1)).matches();
        String table = unquoted(isTable ? found.group(1) : alias);
        return expressions.contains(table) ? table : null;
    }

    private static String unquoted(String name) {
        String plain = "\"`[".indexOf(name.charAt(0)) < 0 ? name : name.substring(1, name.length() - 1);
        return plain.toLowerCase(Locale.ROOT);
    }

    private int end(Pattern pattern, int at) {
        Matcher matcher = pattern.matcher(template).region(at, template.length());
        return matcher.lookingAt() ? matcher.end() : at;
    }

    private void check() {
        if (places.isEmpty()) {
            throw wrong("there is no {table-lock} and no {row-lock}");
        }
        for (Select select : selects) {
            if (select.tables > 0 && select.ends == 0) {
                throw wrong("a select has {table-lock} and no {row-lock}");
            }
            if (select.tables == 0 && select.ends > 0) {
                throw wrong("a select has {row-lock} and no {table-lock}");
            }
            if (select.ends > 1) {
                throw wrong("a select has more than one {row-lock}");
            }
        }
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("Lock template: " + what + RULE + template);
    }
}
