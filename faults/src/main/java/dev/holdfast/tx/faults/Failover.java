package dev.holdfast.tx.faults;

import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.mysql.MysqlDialect;
import dev.holdfast.tx.postgres.PostgresDialect;
import dev.holdfast.tx.testkit.server.FailoverPair;
import java.time.Duration;
import java.util.List;

/**
 * Eight writers on a primary that is killed, and on its replica, which is promoted; then the rows are held against what each call
 * was told. Set by {@code -Dserver}, {@code -Dseed}, {@code -Dtransfers}: half as many are committed before, and half after.
 */
final class Failover {
    private Failover() {}

    /**
     * Runs it, and says whether all was well.
     *
     * @param waiting whether all of the writers wait for the replica when the primary is killed
     */
    static boolean run(boolean waiting) throws Exception {
        int transfers = Integer.getInteger("transfers", 10_000);
        FailoverRun.Result result;
        try (FailoverPair pair = pair(System.getProperty("server", "postgres"))) {
            result = run(pair, waiting, transfers / 2, Long.getLong("seed", 1));
        }
        result.lines().forEach(System.out::println);
        return result.isGood();
    }

    private static FailoverPair pair(String server) {
        return switch (server) {
            case "postgres" -> FailoverPair.postgres(18);
            case "mysql" -> FailoverPair.mysql("9");
            case "mariadb" -> FailoverPair.mariadb("10.11");
            default -> throw new IllegalArgumentException("-Dserver=" + server + ": give postgres, mysql or mariadb");
        };
    }

    /** Some of the transactions can be settled, some are tried again, some both, some neither. */
    static FailoverRun.Result run(FailoverPair pair, boolean waiting, int transfers, long seed) throws Exception {
        RetryPolicy again = RetryPolicy.attempts(1_000)
                .backoff(Duration.ofMillis(10), Duration.ofMillis(200))
                .deadline(Duration.ofMinutes(1));
        TxOptions verifiable = TxOptions.none().verifiable();
        List<TxOptions> kinds =
                List.of(verifiable.retry(again), verifiable, TxOptions.none().retry(again), TxOptions.none());
        boolean postgres = pair.url().startsWith("jdbc:postgresql:");
        return new FailoverRun(pair, Site.on(pair, postgres ? new PostgresDialect() : new MysqlDialect()), kinds)
                .run(waiting, transfers, seed);
    }
}
