package dev.holdfast.tx.postgres;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;

/** Has HikariCP leave it to the engine which error costs a connection. */
final class NeverEvict implements SQLExceptionOverride {
    @java.lang.Override
    public Override adjudicate(SQLException error) {
        return Override.DO_NOT_EVICT;
    }
}
