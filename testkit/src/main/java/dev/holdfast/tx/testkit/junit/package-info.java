/** What the testkit has for tests of applications, as extensions of JUnit Jupiter. */
@NullMarked
package dev.holdfast.tx.testkit.junit;

import org.jspecify.annotations.NullMarked;
