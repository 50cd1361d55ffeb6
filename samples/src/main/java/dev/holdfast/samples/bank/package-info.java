/**
 * A bank that is robbed of nothing: the demo, started by {@link dev.holdfast.samples.bank.BankDemo}.
 *
 * <p>{@link dev.holdfast.samples.bank.Teller Tellers} carry out transfers at the {@link dev.holdfast.samples.bank.Bank},
 * a {@link dev.holdfast.samples.bank.Saboteur} cuts their connections, and the {@link dev.holdfast.samples.bank.Books}
 * are checked at the end without any help from Holdfast.
 */
@NullMarked
package dev.holdfast.samples.bank;

import org.jspecify.annotations.NullMarked;
