package dev.holdfast.tx.testkit;

import java.util.List;

/**
 * A rule of the specification.
 *
 * @param id such as {@code TX-204}
 * @param title what it asks, in a few words
 * @param text what it asks, in sentences
 * @param intent why
 * @param check what to look at in a dialect that breaks it
 * @param provedBy ids of cases and names of test classes that prove it
 * @param group the title of the page that it stands on
 */
public record Rule(
        String id, String title, String text, String intent, String check, List<String> provedBy, String group) {
    /** Copies the list. */
    public Rule {
        provedBy = List.copyOf(provedBy);
    }
}
