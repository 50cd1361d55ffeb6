/** Holdfast on MySQL, MariaDB and their family: the dialect, and the options that only they have. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.mysql {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires static mysql.connector.j;
    requires static org.mariadb.jdbc;

    exports dev.holdfast.tx.mysql;

    provides dev.holdfast.tx.spi.Dialect with
            dev.holdfast.tx.mysql.MysqlDialect;
}
