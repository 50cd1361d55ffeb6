/** What a run of the suite found, as JSON, Markdown, a page and a badge. */
@NullMarked
package dev.holdfast.tx.testkit.report;

import org.jspecify.annotations.NullMarked;
