package dev.holdfast.tx.testkit;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The plans of a dialect, held against a golden file: what a database receives changes in a diff that somebody reads, or
 * not at all.
 *
 * <p>A test collects entries and ends with {@link #verify}. A file is text:
 *
 * <pre>{@code
 * == PostgreSQL 18.0, pool on autocommit
 *
 * serializable: {isolation=SERIALIZABLE}
 *   begin:  <autocommit off> | SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
 *   commit: <commit> | <autocommit on>  (after a look at the driver's state)
 *   abort:  <rollback> | <autocommit on>
 *
 * begin mode: {beginMode=IMMEDIATE}
 *   refused: ...
 * }</pre>
 *
 * <p>With the system property {@value #PROPERTY} set to {@code update}, {@link #verify} writes the file instead.
 */
public final class GoldenPlans {
    /** The system property that has the files written: {@code -Dholdfast.golden=update}. */
    public static final String PROPERTY = "holdfast.golden";

    private final Path file;
    private final List<String> lines = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    private GoldenPlans(Path file) {
        this.file = file;
    }

    /**
     * Starts on {@code src/test/resources/plans/<theme>.txt} of the module whose tests run.
     *
     * @param theme what the plans of the file have in common; the file's name
     * @return an empty collection
     */
    public static GoldenPlans file(String theme) {
        return at(Path.of(System.getProperty("basedir", ""), "src/test/resources/plans", theme + ".txt"));
    }

    /**
     * Starts on a file anywhere.
     *
     * @param file the golden file
     * @return an empty collection
     */
    public static GoldenPlans at(Path file) {
        return new GoldenPlans(file.toAbsolutePath());
    }

    /**
     * A heading for the entries that follow; names need to be unique below one heading only.
     *
     * @param title the server and what else they have in common
     * @return this
     */
    public GoldenPlans section(String title) {
        names.clear();
        if (!lines.isEmpty()) {
            lines.add("");
        }
        lines.add("== " + title);
        return this;
    }

    /**
     * The plan for these options on the primary, or its refusal.
     *
     * @param name what is special about it
     * @param dialect makes the plan
     * @param profile of the server
     * @param options asked for
     * @return this
     */
    public GoldenPlans plan(String name, Dialect dialect, Profile profile, TxOptions options) {
        return plan(name, dialect, profile, Wish.of(options));
    }

    /**
     * The plan for this wish, or its refusal.
     *
     * @param name what is special about it
     * @param dialect makes the plan
     * @param profile of the server
     * @param wish what is asked for
     * @return this
     */
    public GoldenPlans plan(String name, Dialect dialect, Profile profile, Wish wish) {
        return entry(
                name + ": " + asked(wish), () -> dialect.plan(wish, profile).describe());
    }

    /**
     * How rows are locked, or the refusal.
     *
     * @param name what is special about it
     * @param dialect makes the plan
     * @param profile of the server
     * @param lock asked for
     * @param inForce of the transaction
     * @return this
     */
    public GoldenPlans lock(String name, Dialect dialect, Profile profile, RowLock lock, Wish inForce) {
        return entry(
                name + ": " + lock + " in " + asked(inForce), () -> describe(dialect.lock(lock, inForce, profile)));
    }

    /**
     * Any other text that a dialect makes, or its refusal.
     *
     * @param title the line above it
     * @param text made now
     * @return this
     * @throws IllegalArgumentException if the section has an entry of this title
     */
    public GoldenPlans entry(String title, Supplier<String> text) {
        if (!names.add(title)) {
            throw new IllegalArgumentException("There are two entries '" + title + "' in one section of " + file);
        }
        if (!lines.isEmpty()) {
            lines.add("");
        }
        lines.add(title);
        try {
            text.get().lines().forEach(line -> lines.add("  " + line));
        } catch (TxUnsupportedException refusal) {
            lines.add("  refused: " + refusal.getMessage());
        }
        return this;
    }

    /**
     * Compares what was collected with the file, or writes the file.
     *
     * @throws AssertionError if they differ, naming the first line that does, or if there is no file
     * @throws UncheckedIOException if the file cannot be read or written
     */
    public void verify() {
        try {
            if ("update".equals(System.getProperty(PROPERTY))) {
                Files.createDirectories(file.getParent());
                Files.writeString(file, String.join("\n", lines) + "\n");
            } else if (Files.exists(file)) {
                compare(Files.readAllLines(file));
            } else {
                throw new AssertionError("There is no " + file + "; " + howToUpdate());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void compare(List<String> golden) {
        int same = 0;
        int both = Math.min(golden.size(), lines.size());
        while (same < both && golden.get(same).equals(lines.get(same))) {
            same++;
        }
        if (same < Math.max(golden.size(), lines.size())) {
            throw new AssertionError("%s, line %d, below '%s'%n  is in the file: %s%n  is made now:    %s%n%s"
                    .formatted(
                            file,
                            same + 1,
                            titleAbove(same),
                            lineOrEnd(golden, same),
                            lineOrEnd(lines, same),
                            "If that is as it should be, " + howToUpdate()));
        }
    }

    private String titleAbove(int line) {
        for (int i = Math.min(line, lines.size() - 1); i >= 0; i--) {
            String text = lines.get(i);
            if (!text.isEmpty() && !text.startsWith(" ")) {
                return text;
            }
        }
        return "";
    }

    private static String lineOrEnd(List<String> from, int line) {
        return line < from.size() ? from.get(line) : "(the end)";
    }

    private static String howToUpdate() {
        return "run the test with -D" + PROPERTY + "=update and read the difference";
    }

    private static String asked(Wish wish) {
        StringBuilder text = new StringBuilder(wish.options().toString());
        for (Wish.Carry carry : Wish.Carry.values()) {
            if (wish.carries(carry)) {
                text.append(" carrying ").append(carry);
            }
        }
        if (wish.target() != Wish.Target.PRIMARY) {
            text.append(" on a ").append(wish.target().name().toLowerCase(Locale.ROOT));
        }
        return text.toString();
    }

    private static String describe(LockPlan plan) {
        List<String> parts = new ArrayList<>();
        if (!plan.tableHint().isEmpty()) {
            parts.add("table:  " + plan.tableHint());
        }
        if (!plan.tail().isEmpty()) {
            parts.add("tail:   " + plan.tail());
        }
        addUnlessEmpty(parts, "before: ", plan.before());
        addUnlessEmpty(parts, "after:  ", plan.after());
        plan.notes().forEach(note -> parts.add("note:   " + note));
        return parts.isEmpty() ? "(nothing)" : String.join("\n", parts);
    }

    private static void addUnlessEmpty(List<String> parts, String title, Message message) {
        if (!message.isEmpty()) {
            parts.add(title + message);
        }
    }
}
