package dev.holdfast.tx.exposed

import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Transactor
import org.jetbrains.exposed.v1.core.DatabaseConfig
import org.jetbrains.exposed.v1.jdbc.Database
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.inTopLevelTransaction

/**
 * Exposed on the transactions of a [Transactor]. Made by [exposed].
 *
 * Inside a transaction of the transactor, `transaction(database) { }` and `suspendTransaction(database) { }` join it,
 * as a nested `transact` does: what they do is committed with it and by it, and a failure in them is a failure of it.
 *
 * Elsewhere they are roots of their own, with the options of the transactor, but for its retry policy: Exposed never runs
 * a block again. Nor is a cancel told to a suspending root: its statement runs on, and what was its last one is
 * committed. Put it into a `suspendTransact`.
 *
 * ```kotlin
 * db.exposed().use { exposed ->
 *     db.suspendTransact { suspendTransaction(exposed.database) { Orders.insert { it[item] = "lamp" } } }
 * }
 * ```
 */
public class ExposedBridge internal constructor(
    transactor: Transactor,
    configure: DatabaseConfig.Builder.() -> Unit,
) : AutoCloseable {
    /**
     * What `transaction` and `suspendTransaction` take. Exposed has it as its default as well, if it was made last:
     * code that calls `transaction { }` without a database finds it.
     *
     * ```kotlin
     * db.transact { tx -> transaction(exposed.database) { Orders.selectAll().count() } }
     * ```
     */
    public val database: Database

    private lateinit var transactions: ScopeTransactions

    init {
        var savepoints = false
        val config =
            DatabaseConfig {
                configure()
                refuseWhatIsOurs(this)
                savepoints = useNestedTransactions
                // Exposed tells of the end of a nested block only then
                useNestedTransactions = true
            }
        val nesting = if (savepoints) Propagation.SAVEPOINT else null
        database =
            Database.connect(
                datasource = transactor.asDataSource(),
                databaseConfig = config,
                manager = { ScopeTransactions(it, transactor, nesting).also { made -> transactions = made } },
            )
        BlocksOnThread.add(transactions)
    }

    /**
     * Runs an Exposed block outside of every transaction: each statement commits by itself, and nothing is undone when
     * one fails. For tables, where the database commits what defines them.
     *
     * ```kotlin
     * exposed.withoutTransaction { SchemaUtils.create(Orders, Stock) }
     * ```
     */
    public fun <T> withoutTransaction(statement: JdbcTransaction.() -> T): T =
        transactions.lend { inTopLevelTransaction(database, statement = statement) }

    /**
     * Has Exposed forget the database. The transactor stays open.
     *
     * ```kotlin
     * exposed.close()
     * db.close()
     * ```
     */
    override fun close() {
        BlocksOnThread.remove(transactions)
        TransactionManager.closeAndUnregister(database)
    }
}

/**
 * Lets Exposed work in the transactions of this transactor.
 *
 * ```kotlin
 * val exposed = db.exposed()
 *
 * db.execute { tx ->
 *     transaction(exposed.database) { Orders.insert { it[item] = "lamp" } }
 *     stock.take(tx, "lamp") // plain JDBC, jOOQ, anything: the same transaction
 * }
 * ```
 *
 * @param configure Exposed's own settings. `useNestedTransactions` makes each nested Exposed block a savepoint;
 * without it the transactor's default propagation says what a nested block is. The isolation, the access, the attempts
 * and the schema are not Exposed's to set.
 * @throws IllegalArgumentException if one of these is set
 */
public fun Transactor.exposed(configure: DatabaseConfig.Builder.() -> Unit = {}): ExposedBridge =
    ExposedBridge(this, configure)

private fun refuseWhatIsOurs(config: DatabaseConfig.Builder) {
    val untouched = DatabaseConfig.Builder()
    val set =
        listOfNotNull(
            "defaultIsolationLevel".takeIf { config.defaultIsolationLevel != untouched.defaultIsolationLevel },
            "defaultReadOnly".takeIf { config.defaultReadOnly },
            "defaultMaxAttempts".takeIf { config.defaultMaxAttempts !in setOf(1, untouched.defaultMaxAttempts) },
            "defaultMinRetryDelay".takeIf { config.defaultMinRetryDelay != 0L },
            "defaultMaxRetryDelay".takeIf { config.defaultMaxRetryDelay != 0L },
            "defaultSchema".takeIf { config.defaultSchema != null },
        )
    require(set.isEmpty()) {
        "${set.joinToString()} cannot be set here, for Holdfast begins the transactions: give its options to transact" +
            " or to Transactor.withOptions, and the schema to the pool"
    }
}
