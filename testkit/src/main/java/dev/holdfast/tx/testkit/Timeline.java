package dev.holdfast.tx.testkit;

import java.util.ArrayList;
import java.util.List;

/** What was sent in which session and what came back, line by line; printed when a case fails. Safe for several threads. */
public final class Timeline {
    /** More than anybody reads; the first and the last lines are kept. */
    private static final int MOST = 200;

    private final List<String> first = new ArrayList<>();
    private final List<String> last = new ArrayList<>();
    private int left;

    Timeline() {}

    /**
     * Adds a line.
     *
     * @param session that it happened in, such as {@code S1}
     * @param what happened
     */
    public synchronized void add(String session, String what) {
        String line = session + " " + what;
        if (first.size() < MOST / 2) {
            first.add(line);
            return;
        }
        if (last.size() == MOST / 2) {
            last.remove(0);
            left++;
        }
        last.add(line);
    }

    /** The lines, numbered {@code t1}, {@code t2} and so on. */
    public synchronized List<String> lines() {
        List<String> lines = new ArrayList<>();
        int number = 1;
        for (String line : first) {
            lines.add("t" + number++ + " " + line);
        }
        if (left > 0) {
            lines.add("… " + left + " more …");
            number += left;
        }
        for (String line : last) {
            lines.add("t" + number++ + " " + line);
        }
        return lines;
    }

    @Override
    public String toString() {
        return String.join("\n", lines());
    }
}
