/**
 * PostgreSQL and its family for Holdfast.
 *
 * <ul>
 *   <li>{@link dev.holdfast.tx.postgres.PostgresDialect} is found by {@link java.util.ServiceLoader}; applications need not
 *       name it.
 *   <li>{@link dev.holdfast.tx.postgres.PostgresOptions} holds the options that only PostgreSQL has.
 * </ul>
 *
 * PostgreSQL 14 to 18 are tested. Amazon Aurora, CockroachDB and YugabyteDB are told apart by what they say of themselves;
 * what they are documented not to do is refused.
 */
@NullMarked
package dev.holdfast.tx.postgres;

import org.jspecify.annotations.NullMarked;
