package dev.holdfast.samples.bank;

import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;

/** Shows how far the day has come: a line that changes on a terminal, a few lines elsewhere. */
final class Progress {
    private static final int WIDTH = 30;

    private final PrintStream out;
    private final boolean terminal;
    private final int all;
    private final long start = System.nanoTime();
    private int quartersShown;

    Progress(PrintStream out, boolean terminal, int all) {
        this.out = out;
        this.terminal = terminal;
        this.all = all;
    }

    /** From JDK 22 on there may be a console without a terminal, but it can be asked; before, it could not and was not. */
    @SuppressWarnings("SystemConsoleNull") // it is asked below
    static boolean onTerminal() {
        Console console = System.console();
        try {
            return console != null
                    && Boolean.TRUE.equals(Console.class.getMethod("isTerminal").invoke(console));
        } catch (NoSuchMethodException before22) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    void show(int done, Tally tally, Saboteur saboteur) {
        int quarters = done * 4 / all;
        if (!terminal && quarters <= quartersShown) {
            return;
        }
        quartersShown = quarters;
        String bar = "#".repeat(done * WIDTH / all);
        String line = String.format(
                Locale.ROOT,
                "  [%-" + WIDTH + "s] %,6d of %,d orders, %,d retries, %d connections cut, %.1f s",
                bar,
                done,
                all,
                tally.retries.sum(),
                saboteur.connectionsCut(),
                seconds());
        if (terminal) {
            out.print("\r" + line);
            if (done == all) {
                out.println();
            }
        } else {
            out.println(line);
        }
        out.flush();
    }

    double seconds() {
        return (System.nanoTime() - start) / 1e9;
    }
}
