package dev.holdfast.tx.kotlin

/** The waits for locks of SQLite in this process: threads that are virtual are in no list of threads. */
object SqliteWaits {
    private val type = Class.forName("dev.holdfast.tx.sqlite.SqliteLockWait")
    private val all = type.getDeclaredField("OF").apply { isAccessible = true }.get(null) as Map<*, *>
    private val waiting = type.getDeclaredField("waiting").apply { isAccessible = true }

    /** How many statements pause between two tries; they do most of the time. */
    fun count(): Int = synchronized(all) { all.values.toList() }.count { waiting.get(it) != null }
}
