package dev.holdfast.tx.mysql;

import dev.holdfast.tx.TxOption;

/** The transaction options that only MySQL and MariaDB have, for {@link dev.holdfast.tx.TxOptions#with}. */
public final class MysqlOptions {
    /**
     * Whether the snapshot that plain selects read from is taken when the transaction begins, and not at its first select
     * (MySQL manual, START TRANSACTION). With the first statement of its body a transaction begins; with
     * {@link dev.holdfast.tx.Tx#open} at once.
     *
     * <p>The server receives {@code START TRANSACTION WITH CONSISTENT SNAPSHOT}, which it ignores at any level but
     * REPEATABLE READ: {@code true} is refused at those. TiDB takes its snapshot at the beginning anyhow, and Vitess has
     * none over its shards: both refuse the option.
     */
    public static final TxOption<Boolean> CONSISTENT_SNAPSHOT = TxOption.of("mysql.consistentSnapshot", Boolean.class);

    private MysqlOptions() {}
}
