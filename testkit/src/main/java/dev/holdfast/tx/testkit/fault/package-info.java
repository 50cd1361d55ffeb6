/**
 * Faults on demand: {@code ScriptedDataSource} breaks any JDBC call by its number, {@code LostCommits} loses some of the
 * commits by lot, {@code CountingProxy} loses what travels over the network and counts it, and {@code SessionSnapshot}
 * shows what a session was left as.
 */
@NullMarked
package dev.holdfast.tx.testkit.fault;

import org.jspecify.annotations.NullMarked;
