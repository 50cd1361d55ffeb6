package dev.holdfast.tx.kotlin

import dev.holdfast.tx.engine.internal.Place
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.toKotlinDuration

/** A place in a pool that is held for one transaction: its thread will not have to wait for a connection. */
internal class HeldPlace private constructor(
    private val place: Place,
    private val gate: Semaphore,
) {
    private val held = AtomicBoolean(true)

    fun giveBack() {
        if (held.compareAndSet(true, false)) {
            gate.release()
        }
    }

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
         * Scopes around this one that have not taken their connection let their places go: or each of many calls would
         * hold one that it does not use, and wait for a second one.
         */
        private suspend fun take(place: Place): HeldPlace? {
            place.refuseToWaitForOneself()
            val gate = place.gate(Semaphore::class.java) { size -> Semaphore(size) }
            TxContext
                .around()
                ?.places
                ?.filter { it.gate === gate && !it.place.isTaken }
                ?.forEach { it.giveBack() }
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
