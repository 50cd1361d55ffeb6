package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Completion
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import java.util.Locale
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import java.time.Duration as JavaDuration

/** Each named argument is the option of that name. */
class TxOptionsBuildingTest {
    private val retry = RetryPolicy.attempts(3)

    private val named =
        txOptions(
            isolation = Isolation.SERIALIZABLE,
            access = Access.READ_ONLY,
            propagation = Propagation.SEPARATE,
            constraints = deferred("a", "b"),
            beginMode = BeginMode.EXCLUSIVE,
            completion = Completion.ROLLBACK,
            acquireTimeout = 1.seconds,
            lockTimeout = 2.milliseconds,
            statementTimeout = 3.seconds,
            wholeTimeout = 4.minutes,
            retry = retry,
            reads = Reads.primary(),
            verifiable = true,
            label = "all of them",
            labelInSql = true,
        )

    private val byHand =
        TxOptions
            .of(Isolation.SERIALIZABLE)
            .readOnly()
            .propagation(Propagation.SEPARATE)
            .deferConstraints("a", "b")
            .beginMode(BeginMode.EXCLUSIVE)
            .forceRollback()
            .acquireTimeout(JavaDuration.ofSeconds(1))
            .lockTimeout(JavaDuration.ofMillis(2))
            .statementTimeout(JavaDuration.ofSeconds(3))
            .wholeTimeout(JavaDuration.ofMinutes(4))
            .retry(retry)
            .reads(Reads.primary())
            .verifiable()
            .label("all of them")
            .labelInSql()

    @Test
    fun `options by name are those that are made step by step`() {
        assertThat(named).isEqualTo(byHand)
    }

    @Test
    fun `what is not named is not asked for`() {
        assertThat(txOptions()).isEqualTo(TxOptions.none())
    }

    @Test
    fun `every option has a name`() {
        val accessors =
            TxOptions::class.java.methods.filter {
                it.parameterCount == 0 &&
                    it.declaringClass == TxOptions::class.java
            }
        val unset =
            accessors
                .filter { it.name.lowercase(Locale.ROOT).endsWith("timeout") || it.name in OTHERS }
                .filter { it.invoke(named) == null }
        assertThat(unset).isEmpty()
        assertThat(named.isVerifiable).isTrue()
        assertThat(named.isLabelInSql).isTrue()
    }

    @Test
    fun `constraints can be checked at once, and the later of two options counts`() {
        assertThat(txOptions(constraints = immediate("a"))).isEqualTo(TxOptions.none().checkConstraintsImmediately("a"))
        assertThat(txOptions(label = "one") + txOptions(label = "other", verifiable = true))
            .isEqualTo(TxOptions.none().label("other").verifiable())
    }

    @Test
    fun `blocking and suspending calls pass each of them on`() =
        on(Bed.Server.SQLITE) { bed ->
            val seen = AtomicReference<TxOptions>()
            bed.db.transact(label = "blocking", wholeTimeout = 1.minutes, completion = Completion.ROLLBACK) {
                seen.set(it.options())
                it.insert(1)
            }
            assertThat(
                seen.get(),
            ).isEqualTo(txOptions(label = "blocking", wholeTimeout = 1.minutes, completion = Completion.ROLLBACK))
            bed.db.suspendTransact(label = "suspending", wholeTimeout = 2.minutes, completion = Completion.ROLLBACK) {
                seen.set(it.options())
                it.insert(2)
            }
            assertThat(
                seen.get(),
            ).isEqualTo(txOptions(label = "suspending", wholeTimeout = 2.minutes, completion = Completion.ROLLBACK))
            assertThat(bed.ids()).isEmpty()
        }

    private companion object {
        val OTHERS =
            setOf(
                "isolation",
                "access",
                "propagation",
                "constraints",
                "beginMode",
                "completion",
                "retry",
                "reads",
                "label",
            )
    }
}
