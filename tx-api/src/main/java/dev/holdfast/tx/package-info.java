/**
 * Transactions that do exactly what was asked for, or say why not.
 *
 * <ul>
 *   <li>Entry: {@link dev.holdfast.tx.Transactor} (a database), {@link dev.holdfast.tx.Tx} (a transaction), and
 *       {@link dev.holdfast.tx.ConnectionScope} for helpers that take either.
 *   <li>What is asked for: {@link dev.holdfast.tx.TxOptions}, {@link dev.holdfast.tx.RowLock},
 *       {@link dev.holdfast.tx.RetryPolicy}.
 *   <li>What happened: {@link dev.holdfast.tx.Outcome}, {@link dev.holdfast.tx.Failure},
 *       {@link dev.holdfast.tx.TxException} and its kinds, {@link dev.holdfast.tx.TxListener}.
 * </ul>
 *
 * Dialect authors work in {@code dev.holdfast.tx.spi}.
 */
@NullMarked
package dev.holdfast.tx;

import org.jspecify.annotations.NullMarked;
