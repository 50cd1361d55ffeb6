package dev.holdfast.samples.jobs;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * Has eight workers drain a queue of ten thousand jobs in a database that can skip locked rows, such as PostgreSQL, MySQL and
 * MariaDB. It makes the tables {@code job} and {@code job_done}, which must not be there, and drops them at the end.
 *
 * <p>Ends with 0 if each job was done exactly once, with 1 if not, with 2 if the queue could not be run.
 */
public final class JobDemo {
    private static final int JOBS = 10_000;

    private JobDemo() {}

    /** Runs it. */
    public static void main(String[] arguments) {
        System.exit(run(System.getProperty("url", ""), System.out));
    }

    /** Runs it where the URL says, and answers the exit code. */
    static int run(String url, PrintStream out) {
        if (url.isBlank()) {
            out.println("Say where: -Durl=jdbc:postgresql://…, jdbc:mysql://… or jdbc:mariadb://…");
            return 2;
        }
        try (Transactor db = Holdfast.connect(url);
                Connection plain = DriverManager.getConnection(url)) {
            return run(new JobQueue(db), plain, out);
        } catch (TxUnsupportedException e) {
            out.println("Workers cannot share a queue here: " + e.getMessage());
            return 2;
        } catch (Exception e) {
            out.println("The queue could not be run: " + e);
            return 2;
        }
    }

    private static int run(JobQueue queue, Connection plain, PrintStream out) throws Exception {
        try (Backlog backlog = new Backlog(plain, JOBS)) {
            Crew crew = new Crew(queue, new Accidents());
            long begun = System.nanoTime();
            crew.drain();
            Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
            return told(backlog, crew, lasted, out);
        }
    }

    private static int told(Backlog backlog, Crew crew, Duration lasted, PrintStream out) throws SQLException {
        List<Crew.Undone> undone = crew.undone();
        int again = undone.stream().mapToInt(crash -> crash.jobs().size()).sum();
        out.printf(
                "%,d jobs in %.1f s, by %d workers at a time, in %,d transactions.%n",
                JOBS, lasted.toMillis() / 1000.0, Crew.SIZE, crew.turns());
        out.printf("%d workers crashed; what was rolled back, %d jobs, was done by others.%n", undone.size(), again);
        List<String> complaints = backlog.complaints(undone);
        complaints.stream().limit(10).forEach(out::println);
        out.println(complaints.isEmpty() ? "Each job was done exactly once." : "THE QUEUE IS BROKEN.");
        return complaints.isEmpty() ? 0 : 1;
    }
}
