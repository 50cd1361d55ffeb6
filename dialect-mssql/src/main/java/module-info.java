/** Holdfast on SQL Server and Azure SQL: the dialect, and the option that only they have. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.mssql {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires static com.microsoft.sqlserver.jdbc;

    exports dev.holdfast.tx.mssql;

    provides dev.holdfast.tx.spi.Dialect with
            dev.holdfast.tx.mssql.MssqlDialect;
}
