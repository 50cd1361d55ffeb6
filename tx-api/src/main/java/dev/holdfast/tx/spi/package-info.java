/**
 * What a dialect says about its database. A {@link dev.holdfast.tx.spi.Dialect} is stateless and pure: data in, data out.
 * What a server needs is <em>said</em>, as {@link dev.holdfast.tx.spi.Message messages}, and carried out by the engine.
 *
 * <p>Level 1 is {@code name}, {@code accepts}, {@code probe}, {@code profile}, {@code plan}, {@code savepoints},
 * {@code lock} and {@code classify}; everything else has a default. Found by {@link java.util.ServiceLoader}.
 */
@NullMarked
package dev.holdfast.tx.spi;

import org.jspecify.annotations.NullMarked;
