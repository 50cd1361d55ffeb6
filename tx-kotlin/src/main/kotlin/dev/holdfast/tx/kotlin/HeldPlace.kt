package dev.holdfast.tx.kotlin

import dev.holdfast.tx.engine.internal.Place
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.toKotlinDuration

/**
 * A place in a pool that is held for one transaction: its thread will not have to wait for a connection.
 *
 * @param lender who has lent it, and gets it back; null if it was granted
 */
internal class HeldPlace private constructor(
    private val place: Place,
    private val gate: Semaphore,
    private val lender: HeldPlace? = null,
) {
    private enum class State { HELD, LENT, OVER }

    private val state = AtomicReference(State.HELD)

    fun giveBack() {
        if (state.getAndSet(State.OVER) == State.HELD) {
            passOn()
        }
    }

    /** To whom it was lent, for that one may have to wait for its connection yet. */
    private fun passOn() {
        when {
            lender == null -> gate.release()
            !lender.state.compareAndSet(State.LENT, State.HELD) -> lender.passOn()
        }
    }

    /** Leaves it to a call inside of its transaction, until that is over; answers false if it is not to be had. */
    private fun lends(): Boolean = !place.isTaken && state.compareAndSet(State.HELD, State.LENT)

    companion object {
        /**
         * Waits for a place, without a thread; null if none is needed. What cannot be had in time is looked for elsewhere, if it
         * can be.
         *
         * @param where the place is now
         */
        suspend fun take(where: () -> Place?): HeldPlace? {
            while (true) {
                val place = where() ?: return null
                take(place)?.let { return it }
                if (!place.skip()) {
                    throw place.expired()
                }
            }
        }

        /**
         * A scope around this one that has not taken its connection lends its place: or each of many calls would hold one
         * that it does not use, and wait for a second one.
         */
        private suspend fun take(place: Place): HeldPlace? {
            place.refuseToWaitForOneself()
            val gate = place.gate(Semaphore::class.java) { size -> Semaphore(size) }
            TxContext
                .around()
                ?.places
                ?.firstOrNull { it.gate === gate && it.lends() }
                ?.let { return HeldPlace(place, gate, it) }
            var taken = false
            try {
                withTimeoutOrNull(place.patience().toKotlinDuration()) {
                    gate.acquire()
                    taken = true
                }
            } catch (e: Throwable) {
                if (taken) {
                    gate.release()
                }
                throw e
            }
            return if (taken) HeldPlace(place, gate) else null
        }
    }
}
