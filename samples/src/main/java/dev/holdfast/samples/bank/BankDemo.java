package dev.holdfast.samples.bank;

import java.io.PrintStream;

/**
 * Shows what Holdfast does when much goes wrong at once. Run by {@code mvn -q -Pdemo}, on SQLite; with
 * {@code -Durl=jdbc:postgresql://…} on a PostgreSQL, in a schema that is dropped at the end.
 *
 * <p>Ends with 0 if the books are right, with 1 if a cent is missing, with 2 if the bank could not be opened.
 */
public final class BankDemo {
    private static final int ORDERS = 1_200;

    private BankDemo() {}

    /** Runs it. */
    public static void main(String[] arguments) {
        System.exit(run(System.getProperty("url", ""), System.out));
    }

    /** Runs it where the URL says, and answers the exit code. */
    static int run(String url, PrintStream out) {
        try (Vault vault = Vault.of(url)) {
            return run(vault, ORDERS, out);
        } catch (Exception e) {
            out.println("The bank could not be run: " + e);
            return 2;
        }
    }

    /** Runs it in a vault, and answers the exit code. */
    static int run(Vault vault, int orders, PrintStream out) throws Exception {
        out.printf("%nHoldfast's bank, on %s.%n%n", vault.name());
        out.printf(
                "Six tellers carry out %,d orders between %d accounts. Three of them lock what they read,%n",
                orders, Bank.CUSTOMERS);
        out.println("three do not and are refused when they come too late. Someone cuts connections meanwhile.");
        out.println();
        Report report = new Day(vault, out, Progress.onTerminal(), orders).live();
        report.print(out);
        return report.isRight() ? 0 : 1;
    }
}
