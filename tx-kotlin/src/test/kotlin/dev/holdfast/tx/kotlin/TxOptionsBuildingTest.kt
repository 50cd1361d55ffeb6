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
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.lang.reflect.Modifier
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
            TxOptions::class.java.declaredMethods.filter {
                Modifier.isPublic(it.modifiers) &&
                    it.parameterCount == 0 &&
                    it.returnType != TxOptions::class.java &&
                    it.name !in setOf("hashCode", "toString", "dialectOptions")
            }
        assertThat(accessors).hasSizeGreaterThanOrEqualTo(15)
        val unset = accessors.filter { it.invoke(named) in setOf(null, false) }
        assertThat(unset).isEmpty()
    }

    @Test
    fun `constraints can be checked at once, and the later of two options counts`() {
        assertThat(txOptions(constraints = immediate("a"))).isEqualTo(TxOptions.none().checkConstraintsImmediately("a"))
        assertThat(txOptions(label = "one") + txOptions(label = "other", verifiable = true))
            .isEqualTo(TxOptions.none().label("other").verifiable())
    }

    /** All that PostgreSQL has and that go together; nothing is sent. */
    @Test
    fun `blocking, suspending and unmanaged calls pass each of them on`() =
        on(Bed.Server.POSTGRES) { bed ->
            val asked = AtomicReference<TxOptions>()
            bed.db.transact(
                isolation = Isolation.SERIALIZABLE,
                access = Access.READ_ONLY,
                propagation = Propagation.SEPARATE,
                constraints = deferred("a", "b"),
                completion = Completion.ROLLBACK,
                acquireTimeout = 1.seconds,
                lockTimeout = 2.milliseconds,
                statementTimeout = 3.seconds,
                wholeTimeout = 4.minutes,
                retry = retry,
                reads = Reads.primary(),
                label = "all of them",
                labelInSql = true,
            ) { asked.set(it.options()) }
            assertThat(asked.getAndSet(null)).describedAs("of a blocking call").isEqualTo(onPostgres.retry(retry))
            bed.db.suspendTransact(
                isolation = Isolation.SERIALIZABLE,
                access = Access.READ_ONLY,
                propagation = Propagation.SEPARATE,
                constraints = deferred("a", "b"),
                completion = Completion.ROLLBACK,
                acquireTimeout = 1.seconds,
                lockTimeout = 2.milliseconds,
                statementTimeout = 3.seconds,
                wholeTimeout = 4.minutes,
                retry = retry,
                reads = Reads.primary(),
                label = "all of them",
                labelInSql = true,
            ) { asked.set(it.options()) }
            assertThat(asked.get()).describedAs("of a suspending call").isEqualTo(onPostgres.retry(retry))
            val open =
                bed.db.suspendBegin(
                    isolation = Isolation.SERIALIZABLE,
                    access = Access.READ_ONLY,
                    propagation = Propagation.SEPARATE,
                    constraints = deferred("a", "b"),
                    completion = Completion.ROLLBACK,
                    acquireTimeout = 1.seconds,
                    lockTimeout = 2.milliseconds,
                    statementTimeout = 3.seconds,
                    wholeTimeout = 4.minutes,
                    reads = Reads.primary(),
                    label = "all of them",
                    labelInSql = true,
                )
            assertThat(open.tx.options()).describedAs("of an unmanaged one").isEqualTo(onPostgres)
            open.close()
        }

    /** Which do not go with those. */
    @ParameterizedTest
    @EnumSource
    fun `they pass on the others, too`(server: Bed.Server) =
        on(server) { bed ->
            val begin = BeginMode.EXCLUSIVE.takeIf { server == Bed.Server.SQLITE }
            val settled = server == Bed.Server.POSTGRES
            val asked = txOptions(beginMode = begin, verifiable = settled)
            bed.db.transact(beginMode = begin, verifiable = settled) { assertThat(it.options()).isEqualTo(asked) }
            bed.db.suspendTransact(beginMode = begin, verifiable = settled) {
                assertThat(it.options()).isEqualTo(asked)
            }
            val open = bed.db.suspendBegin(beginMode = begin, verifiable = settled)
            assertThat(open.tx.options()).isEqualTo(asked)
            open.close()
        }

    private companion object {
        val onPostgres: TxOptions =
            TxOptions
                .of(Isolation.SERIALIZABLE)
                .readOnly()
                .propagation(Propagation.SEPARATE)
                .deferConstraints("a", "b")
                .forceRollback()
                .acquireTimeout(JavaDuration.ofSeconds(1))
                .lockTimeout(JavaDuration.ofMillis(2))
                .statementTimeout(JavaDuration.ofSeconds(3))
                .wholeTimeout(JavaDuration.ofMinutes(4))
                .reads(Reads.primary())
                .label("all of them")
                .labelInSql()
    }
}
