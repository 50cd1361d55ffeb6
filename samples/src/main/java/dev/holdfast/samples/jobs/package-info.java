/**
 * A queue of jobs in a table, drained by eight workers at once, each job exactly once, though workers crash. Run by
 * {@code mvn -q -Pdemo -Dprogram=dev.holdfast.samples.jobs.JobDemo -Durl=jdbc:…}.
 *
 * <p>Read {@link dev.holdfast.samples.jobs.JobQueue}: it is all that an application needs.
 */
@NullMarked
package dev.holdfast.samples.jobs;

import org.jspecify.annotations.NullMarked;
