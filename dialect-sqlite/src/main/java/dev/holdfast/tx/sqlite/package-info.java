/**
 * SQLite, through sqlite-jdbc. {@link dev.holdfast.tx.sqlite.SqliteDialect} is found by {@link java.util.ServiceLoader};
 * an application needs nothing of this package by name.
 */
@NullMarked
package dev.holdfast.tx.sqlite;

import org.jspecify.annotations.NullMarked;
