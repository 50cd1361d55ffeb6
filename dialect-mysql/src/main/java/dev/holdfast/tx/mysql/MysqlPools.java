package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.PoolAdvice;
import java.util.Optional;
import java.util.regex.Pattern;

/** How pools are opened. */
final class MysqlPools {
    private static final String MYSQL = "jdbc:mysql:";
    private static final String MARIADB = "jdbc:mariadb:";
    private static final Pattern SEVERAL_HOSTS = Pattern.compile("^jdbc:mysql://[^/]*,");

    private MysqlPools() {}

    static boolean isUrl(String url) {
        return url.startsWith(MYSQL) || url.startsWith(MARIADB);
    }

    /**
     * HikariCP rolls back what it takes for unfinished when it gets a connection with autocommit off back, and it does not see
     * that a statement was COMMIT. {@code useLocalTransactionState} lets Connector/J look first whether there is something to
     * roll back, which MariaDB's driver does anyhow.
     */
    static Optional<PoolAdvice> advise(String url) {
        if (!isUrl(url)) {
            return Optional.empty();
        }
        PoolAdvice advice = PoolAdvice.ofSize(10).autocommit(Autocommit.OFF).property("allowMultiQueries", "true");
        if (url.startsWith(MARIADB)) {
            return Optional.of(advice);
        }
        PoolAdvice connectorJ = advice.property("useLocalTransactionState", "true");
        return Optional.of(SEVERAL_HOSTS.matcher(url).find() ? failingOver(connectorJ) : connectorJ);
    }

    /**
     * Connector/J goes to the next host when one is down, lets nobody write there unless told to, and goes back to the first by
     * itself as soon as that answers, whatever it has become.
     */
    private static PoolAdvice failingOver(PoolAdvice advice) {
        return advice.property("failOverReadOnly", "false")
                .property("secondsBeforeRetrySource", "0")
                .property("queriesBeforeRetrySource", "0");
    }
}
