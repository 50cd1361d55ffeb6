package dev.holdfast.samples.bank;

import java.util.Locale;

/** Cents, as people read them. */
final class Money {
    private Money() {}

    static String text(long cents) {
        return String.format(
                Locale.ROOT, "%s%,d.%02d", cents < 0 ? "-" : "", Math.abs(cents) / 100, Math.abs(cents) % 100);
    }
}
