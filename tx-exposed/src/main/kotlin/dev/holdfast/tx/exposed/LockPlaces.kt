package dev.holdfast.tx.exposed

/** Turns a select as Exposed writes it into a template of [dev.holdfast.tx.Tx.lock]. */
internal object LockPlaces {
    /** Where brackets and words mean nothing. */
    private val OPAQUE = Regex("'[^']*'|\"[^\"]*\"|`[^`]*`|/\\*.*?\\*/", RegexOption.DOT_MATCHES_ALL)
    private const val PLAIN = "[\\p{L}_][\\p{L}\\p{N}_$]*"
    private const val WORD = "(?:[\\p{L}\\p{N}_$#@]+|\"[^\"]+\"|`[^`]+`|\\[[^]]+])"

    /** A table, and its alias if it has one. */
    private val TABLE = Regex("$WORD(?:\\.$WORD)*(?: (?!(?:INNER|LEFT|RIGHT|FULL|CROSS|ON) )$WORD)?")

    /** The alias of a table, or its name, where that can be named in a lock. */
    private val NAME = Regex("(?:^|[ .])($PLAIN)$|[\"`\\[]($PLAIN)[\"`\\]]$")

    /**
     * The select with its places.
     *
     * @param source what it selects from, as it stands in it
     * @throws IllegalArgumentException if it selects from no table
     */
    fun inSelect(
        text: String,
        source: String,
    ): String {
        val from = " FROM $source"
        val at = outside(text).firstOrNull { text.startsWith(from, it) }
        requireNotNull(at) { "There is no table to lock rows of: $text" }
        val placed = inSource(source)
        require(placed != source) { "There is no table to lock rows of: $text" }
        return text.substring(0, at) + " FROM " + placed + text.substring(at + from.length) + " {row-lock}"
    }

    /** Tables stand first, and after JOIN; Exposed puts brackets around a join that is joined, and around a select. */
    private fun inSource(source: String): String {
        if (source.startsWith("(")) {
            val end = closing(source, 0)
            val inner = source.substring(1, end)
            val rest = afterFirst(source.substring(end + 1))
            return if (inner.startsWith("SELECT ")) "($inner)$rest" else "(${inSource(inner)})$rest"
        }
        val table = TABLE.matchAt(source, 0)?.value ?: return source
        val name = NAME.find(table)?.let { it.groupValues[1] + it.groupValues[2] }
        val place = if (name == null) "{table-lock}" else "{table-lock:$name}"
        return table + place + afterFirst(source.substring(table.length))
    }

    private fun afterFirst(rest: String): String {
        val join = outside(rest).firstOrNull { rest.startsWith(" JOIN ", it) } ?: return rest
        val table = join + " JOIN ".length
        return rest.substring(0, table) + inSource(rest.substring(table))
    }

    /** The places of a text that are in no bracket and no string. */
    private fun outside(text: String): Sequence<Int> =
        sequence {
            var at = 0
            while (at < text.length) {
                yield(at)
                at = if (text[at] == '(') closing(text, at) + 1 else after(text, at)
            }
        }

    private fun closing(
        text: String,
        opening: Int,
    ): Int {
        var depth = 0
        var at = opening
        while (at < text.length) {
            when (text[at]) {
                '(' -> depth++
                ')' -> if (--depth == 0) return at
            }
            at = after(text, at)
        }
        throw IllegalArgumentException("A bracket is not closed: $text")
    }

    private fun after(
        text: String,
        at: Int,
    ): Int =
        OPAQUE
            .matchAt(text, at)
            ?.range
            ?.last
            ?.plus(1) ?: (at + 1)
}
