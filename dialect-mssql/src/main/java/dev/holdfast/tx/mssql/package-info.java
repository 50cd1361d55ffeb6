/**
 * SQL Server and Azure SQL for Holdfast.
 *
 * <ul>
 *   <li>{@link dev.holdfast.tx.mssql.MssqlDialect} is found by {@link java.util.ServiceLoader}; applications need not name it.
 *   <li>{@link dev.holdfast.tx.mssql.MssqlOptions} holds the option that only they have.
 * </ul>
 *
 * The tests of this module run the driver against a responder of their own, which is no SQL Server: they prove what is sent
 * and how answers are understood. What only a server can prove, the conformance suite proves where there is one.
 */
@NullMarked
package dev.holdfast.tx.mssql;

import org.jspecify.annotations.NullMarked;
