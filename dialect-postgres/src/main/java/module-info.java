/** Holdfast on PostgreSQL and its family: the dialect, and the options that only PostgreSQL has. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.postgres {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires static org.postgresql.jdbc;

    exports dev.holdfast.tx.postgres;

    provides dev.holdfast.tx.spi.Dialect with
            dev.holdfast.tx.postgres.PostgresDialect;
}
