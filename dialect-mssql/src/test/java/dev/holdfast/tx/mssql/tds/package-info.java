/**
 * A responder that speaks as much of TDS as the driver needs, holds a model of what a session remembers, and is no SQL Server:
 * what it shows is what the driver sends and what it makes of answers.
 */
@NullMarked
package dev.holdfast.tx.mssql.tds;

import org.jspecify.annotations.NullMarked;
