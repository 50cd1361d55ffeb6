/**
 * Faults on demand: {@code ScriptedDataSource} breaks any JDBC call by its number, {@code CountingProxy} loses what travels
 * over the network and counts it, {@code SessionSnapshot} shows what a session was left as, and {@code FaultTable} breaks
 * every call of a scenario, one after the other.
 */
@NullMarked
package dev.holdfast.tx.testkit.fault;

import org.jspecify.annotations.NullMarked;
