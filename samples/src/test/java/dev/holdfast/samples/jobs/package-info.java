@NullMarked
package dev.holdfast.samples.jobs;

import org.jspecify.annotations.NullMarked;
