package dev.holdfast.tx.testkit.fault;

/**
 * One call that can reach the server.
 *
 * @param number from 1, in the order of the calls on all connections
 * @param connection the number of the connection it was made on
 * @param text the method and what it was given
 */
public record JdbcCall(int number, int connection, String text) {
    /** Whether it is the call that commits, be it on a condition. */
    public boolean isCommit() {
        return text.equals("commit") || text.matches("(?i)execute\\w* (.*;)?\\s*(if\\b[^;]*\\s)?commit\\b.*");
    }

    @Override
    public String toString() {
        return number + " c" + connection + " " + text;
    }
}
