/** Holdfast on SQLite. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.sqlite {
    requires static org.jspecify;
    requires static org.xerial.sqlitejdbc;
    requires transitive dev.holdfast.tx.api;

    exports dev.holdfast.tx.sqlite;

    provides dev.holdfast.tx.spi.Dialect with
            dev.holdfast.tx.sqlite.SqliteDialect;
}
