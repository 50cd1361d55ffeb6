package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.PoolAdvice;
import java.util.Optional;

/** How pools are opened. */
final class MysqlPools {
    private static final String MYSQL = "jdbc:mysql:";
    private static final String MARIADB = "jdbc:mariadb:";

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
        return Optional.of(url.startsWith(MYSQL) ? advice.property("useLocalTransactionState", "true") : advice);
    }
}
