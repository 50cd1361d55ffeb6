/**
 * MySQL, MariaDB and their family for Holdfast.
 *
 * <ul>
 *   <li>{@link dev.holdfast.tx.mysql.MysqlDialect} is found by {@link java.util.ServiceLoader}; applications need not name
 *       it.
 *   <li>{@link dev.holdfast.tx.mysql.MysqlOptions} holds the options that only MySQL and MariaDB have.
 * </ul>
 *
 * MySQL from 8.0 and MariaDB from 10.6 are tested, each with MySQL Connector/J and MariaDB Connector/J. Amazon Aurora,
 * TiDB and Vitess are told apart by what they say of themselves; what they are documented not to do is refused.
 */
@NullMarked
package dev.holdfast.tx.mysql;

import org.jspecify.annotations.NullMarked;
