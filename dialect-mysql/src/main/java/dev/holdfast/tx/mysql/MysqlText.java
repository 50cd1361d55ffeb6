package dev.holdfast.tx.mysql;

import dev.holdfast.tx.mysql.MysqlTokens.Reading;
import dev.holdfast.tx.spi.TextEffect;
import java.util.Map;
import java.util.Set;

/**
 * What the texts of statements do to their transaction (MySQL manual, Statements That Cause an Implicit Commit; MariaDB
 * manual, SQL Statements That Cause an Implicit Commit). Such a statement commits first and may fail then: only one that
 * cannot be parsed leaves the transaction alone. Of several statements in one text the gravest counts; so it does where a
 * text reads in two ways, because there are comments that some servers execute.
 *
 * <p>What stands in a stored program or a block is not looked at: it ends at none of its semicolons.
 */
final class MysqlText {
    private static final Set<String> CONTROLLING = Set.of("COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE");

    private static final Set<String> COMMITTING = Set.of(
            "CHANGE",
            "CHECK",
            "FLUSH",
            "GRANT",
            "IMPORT",
            "INSTALL",
            "OPTIMIZE",
            "RENAME",
            "REPAIR",
            "RESET",
            "REVOKE",
            "STOP",
            "TRUNCATE",
            "UNINSTALL");

    /** What MariaDB takes outside of stored programs, too; anything may stand in it. */
    private static final Set<String> COMPOUND = Set.of("IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR");

    /** What stands in them is executed later. */
    private static final Set<String> STORED = Set.of("PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE");

    /** What some uses of a word do, by the word that follows. */
    private static final Map<String, Map<String, TextEffect>> BY_SECOND = Map.of(
            // MariaDB has ANALYZE in front of a query, too: it tells how it went
            "ANALYZE",
                    Map.of(
                            "TABLE", TextEffect.COMMITS,
                            "TABLES", TextEffect.COMMITS,
                            "LOCAL", TextEffect.COMMITS,
                            "NO_WRITE_TO_BINLOG", TextEffect.COMMITS),
            "LOCK", Map.of("TABLES", TextEffect.COMMITS, "TABLE", TextEffect.COMMITS),
            "CACHE", Map.of("INDEX", TextEffect.COMMITS),
            "LOAD", Map.of("INDEX", TextEffect.COMMITS),
            "START",
                    Map.of(
                            "TRANSACTION", TextEffect.CONTROLS,
                            "SLAVE", TextEffect.COMMITS,
                            "REPLICA", TextEffect.COMMITS,
                            "ALL", TextEffect.MAY_END), // MariaDB: START ALL SLAVES
            "SET",
                    Map.of(
                            "PASSWORD", TextEffect.COMMITS,
                            "DEFAULT", TextEffect.COMMITS, // SET DEFAULT ROLE
                            "TRANSACTION", TextEffect.CONTROLS));

    /** In front of a name: it is not the session's variable that is assigned to. */
    private static final Set<String> NOT_OF_SESSION = Set.of("GLOBAL", "PERSIST", "PERSIST_ONLY");

    /** The usual ones, told without a copy. */
    private static final String[] HARMLESS = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE"};

    private MysqlText() {}

    /**
     * What a text does.
     *
     * @param backslashEscapes whether the sessions take a backslash in a string for an escape
     */
    static TextEffect effectOf(String sql, boolean backslashEscapes) {
        MysqlTokens tokens = new MysqlTokens(sql, Reading.EXECUTED, backslashEscapes);
        if (sql.indexOf(';') < 0 && tokens.hasStatement() && tokens.goesOnWith(HARMLESS)) {
            return TextEffect.NONE;
        }
        TextEffect executed = gravest(tokens);
        if (!tokens.metExecutable()) {
            return executed;
        }
        TextEffect skipped = gravest(new MysqlTokens(sql, Reading.SKIPPED, backslashEscapes));
        return skipped.compareTo(executed) > 0 ? skipped : executed;
    }

    private static TextEffect gravest(MysqlTokens tokens) {
        TextEffect gravest = TextEffect.NONE;
        while (tokens.hasStatement()) {
            TextEffect effect = effectOfStatement(tokens);
            gravest = effect.compareTo(gravest) > 0 ? effect : gravest;
            tokens.skipStatement();
        }
        return gravest;
    }

    private static TextEffect effectOfStatement(MysqlTokens tokens) {
        String first = tokens.next();
        if (CONTROLLING.contains(first)) {
            return TextEffect.CONTROLS;
        }
        if (COMMITTING.contains(first)) {
            return TextEffect.COMMITS;
        }
        if (COMPOUND.contains(first)) {
            return effectOfBlock(tokens);
        }
        return switch (first) {
            case "CALL", "EXECUTE" -> TextEffect.MAY_END;
            case "CREATE", "ALTER", "DROP" -> effectOfDefinition(first, tokens);
            // BEGIN NOT ATOMIC opens a block of MariaDB's
            case "BEGIN" -> tokens.next().equals("NOT") ? effectOfBlock(tokens) : TextEffect.CONTROLS;
            case "XA" -> tokens.next().equals("RECOVER") ? TextEffect.NONE : TextEffect.CONTROLS;
            default -> {
                Map<String, TextEffect> bySecond = BY_SECOND.get(first);
                if (bySecond == null) {
                    yield TextEffect.NONE;
                }
                String second = tokens.next();
                TextEffect effect = bySecond.getOrDefault(second, TextEffect.NONE);
                yield first.equals("SET") && effect == TextEffect.NONE ? effectOfSetting(second, tokens) : effect;
            }
        };
    }

    /** Its end cannot be told from that of a statement in it, so nothing behind it is read either. */
    private static TextEffect effectOfBlock(MysqlTokens tokens) {
        tokens.skipText();
        return TextEffect.MAY_END;
    }

    /** Temporary tables do not commit, nor does forgetting a prepared statement. */
    private static TextEffect effectOfDefinition(String first, MysqlTokens tokens) {
        String second = tokens.next();
        if (second.equals("OR")) {
            second = tokens.next().equals("REPLACE") ? tokens.next() : "";
        }
        if (!first.equals("DROP") && isStored(second, tokens)) {
            tokens.skipText();
        }
        boolean commits = first.equals("ALTER") || (!second.equals("TEMPORARY") && !second.equals("PREPARE"));
        return commits ? TextEffect.COMMITS : TextEffect.NONE;
    }

    /** Whether a stored program is defined; who defines it may be said first. */
    private static boolean isStored(String second, MysqlTokens tokens) {
        String token = second;
        if (token.equals("DEFINER")) {
            tokens.next(); // =
            tokens.next(); // the user, who may be called anything
            do {
                token = tokens.next();
            } while (!token.isEmpty() && !STORED.contains(token) && !token.equals("VIEW"));
        }
        return STORED.contains(token.equals("AGGREGATE") ? tokens.next() : token);
    }

    /** Looks for autocommit among the variables of the session that are assigned to. */
    private static TextEffect effectOfSetting(String first, MysqlTokens tokens) {
        if (first.equals("STATEMENT")) {
            return effectAfterFor(tokens); // MariaDB: SET STATEMENT … FOR …
        }
        String beforeLast = "";
        String last = "";
        for (String token = first; !token.isEmpty(); token = tokens.next()) {
            boolean ofSession =
                    !NOT_OF_SESSION.contains(beforeLast) && !NOT_OF_SESSION.contains(last) && !last.equals("@");
            if (isAutocommit(token) && ofSession && tokens.isAssignment()) {
                return TextEffect.CONTROLS;
            }
            beforeLast = last;
            last = token;
        }
        return TextEffect.NONE;
    }

    /** Names may be quoted, by double quotes as well where ANSI_QUOTES is on. */
    private static boolean isAutocommit(String token) {
        return token.equals("AUTOCOMMIT") || token.equals("`AUTOCOMMIT`") || token.equals("\"AUTOCOMMIT\"");
    }

    private static TextEffect effectAfterFor(MysqlTokens tokens) {
        for (String token = tokens.next(); !token.isEmpty(); token = tokens.next()) {
            if (token.equals("FOR")) {
                return effectOfStatement(tokens);
            }
        }
        return TextEffect.NONE;
    }
}
