package dev.holdfast.tx.mssql.tds;

import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Answer.Raised;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Carries batches out on the model of a session. It knows the very statements that the dialect and the driver send, written
 * down here a second time, and what a test has answers for. Of anything else it complains.
 */
final class Interpreter {
    /** What one statement came to: its tokens before the one that ends it, and that. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Piece(byte[] tokens, int status, int command, long count) {}

    private interface Action {
        void on(Matcher words);
    }

    private static final Pattern LEVEL = Pattern.compile(
            "SET TRANSACTION ISOLATION LEVEL (READ UNCOMMITTED|READ COMMITTED|REPEATABLE READ|SNAPSHOT|SERIALIZABLE)");
    private static final Pattern DRIVERS_LEVEL = Pattern.compile(
            "set transaction isolation level (read committed|read uncommitted|repeatable read|serializable)");
    private static final String READ_LEVEL =
            "CASE (SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID)"
                    + " WHEN 1 THEN 'READ UNCOMMITTED' WHEN 3 THEN 'REPEATABLE READ' WHEN 4 THEN 'SERIALIZABLE'"
                    + " WHEN 5 THEN 'SNAPSHOT' ELSE 'READ COMMITTED' END";

    private final Responder responder;
    private final SessionModel session;
    private final boolean readOnlyIntent;
    private final Map<Pattern, Action> statements = new LinkedHashMap<>();
    private final Map<String, Function<SessionModel, Object>> expressions = new LinkedHashMap<>();

    private List<Piece> pieces = new ArrayList<>();
    private Tokens tokens = new Tokens();
    private boolean ended;
    private boolean failed;
    private boolean cancelled;

    Interpreter(Responder responder, SessionModel session, int number, boolean readOnlyIntent) {
        this.responder = responder;
        expressions.put("@@SPID", model -> number);
        this.session = session;
        this.readOnlyIntent = readOnlyIntent;
        expressions.put(READ_LEVEL, SessionModel::level);
        expressions.put("@@LOCK_TIMEOUT", SessionModel::lockTimeout);
        expressions.put(
                "CASE WHEN @@OPTIONS & 16384 = 0 THEN 'OFF' ELSE 'ON' END", model -> model.xactAbort() ? "ON" : "OFF");
        expressions.put(
                "CASE WHEN @@TRANCOUNT = 0 THEN 'ended' WHEN @@TRANCOUNT = 1 AND XACT_STATE() = 1 THEN 'open'"
                        + " ELSE 'doomed' END",
                Interpreter::standing);
        expressions.put("@@TRANCOUNT", SessionModel::trancount);
        expressions.put(
                "CASE WHEN CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)) = 'READ_ONLY'"
                        + " THEN 'replica' ELSE 'primary' END",
                model -> "READ_ONLY".equals(responder.updateability(readOnlyIntent)) ? "replica" : "primary");

        on(LEVEL, words -> session.level(words.group(1)));
        on(
                Pattern.compile("SET LOCK_TIMEOUT (-?\\d+)"),
                words -> session.lockTimeout(Integer.parseInt(words.group(1))));
        on(
                Pattern.compile("SET XACT_ABORT (ON|OFF)"),
                words -> session.xactAbort(words.group(1).equals("ON")));
        on(
                Pattern.compile("SET IMPLICIT_TRANSACTIONS (ON|OFF)"),
                words -> session.implicit(words.group(1).equals("ON")));
        on(Pattern.compile("BEGIN TRAN"), words -> begin());
        on(
                Pattern.compile(
                        "IF CAST\\(DATABASEPROPERTYEX\\(DB_NAME\\(\\), 'Updateability'\\) AS nvarchar\\(128\\)\\)"
                                + " = 'READ_ONLY' BEGIN TRAN ELSE RAISERROR\\('([^']*)', 16, (\\d+)\\)"),
                this::beginReading);
        on(Pattern.compile("SAVE TRAN (\\w{1,32})"), words -> save(words.group(1)));
        on(Pattern.compile("ROLLBACK TRAN (\\w{1,32})"), words -> rollBackTo(words.group(1)));
        on(Pattern.compile("IF @@TRANCOUNT > 0 ROLLBACK TRAN"), words -> rollBackIfAny());
        on(
                Pattern.compile("IF @@TRANCOUNT = 1 AND XACT_STATE\\(\\) = 1 COMMIT TRAN"
                        + " ELSE IF @@TRANCOUNT > 0 RAISERROR\\('([^']*)', 16, (\\d+)\\)"
                        + " ELSE RAISERROR\\('([^']*)', 16, (\\d+)\\)"),
                this::commitOrComplain);
        on(Pattern.compile("SELECT (.*)"), this::select);
        on(Pattern.compile("KILL (\\d+)"), words -> responder.kill(Integer.parseInt(words.group(1))));

        // what the driver says of itself
        on(DRIVERS_LEVEL, words -> session.level(words.group(1).toUpperCase(Locale.ROOT)));
        on(Pattern.compile("SET ROWCOUNT (\\d+)"), words -> session.rowCount(Integer.parseInt(words.group(1))));
        on(Pattern.compile("set implicit_transactions on"), words -> session.implicit(true));
        on(Pattern.compile("set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN"), words -> {
            session.implicit(false);
            commitIfAny();
        });
        on(Pattern.compile("IF @@TRANCOUNT > 0 COMMIT TRAN"), words -> commitIfAny());
    }

    private static String standing(SessionModel model) {
        if (model.trancount() == 0) {
            return "ended";
        }
        return model.trancount() == 1 && model.xactState() == 1 ? "open" : "doomed";
    }

    private void on(Pattern pattern, Action action) {
        statements.put(pattern, action);
    }

    /** Carries a batch out, statement by statement. */
    List<Piece> batch(String text) {
        start();
        for (String each : split(text)) {
            if (!ended) {
                statement(each.strip().replaceAll("\\s+", " "), List.of(), false);
            }
        }
        return finish();
    }

    /** Carries one statement out that a procedure such as {@code sp_executesql} was called for. */
    List<Piece> procedure(String text, List<Object> parameters) {
        start();
        statement(text.strip(), parameters, true);
        return finish();
    }

    private void start() {
        pieces = new ArrayList<>();
        ended = false;
        cancelled = false;
    }

    private List<Piece> finish() {
        if (session.xactState() < 0) {
            error(new Raised(3998, 16, 1, "Uncommittable transaction is detected at the end of the batch."));
            rollBack();
            piece(Tokens.NOTHING, -1);
        }
        return pieces;
    }

    /** At semicolons that are not within quotes. */
    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        int from = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            quoted ^= text.charAt(i) == '\'';
            if (!quoted && text.charAt(i) == ';') {
                parts.add(text.substring(from, i));
                from = i + 1;
            }
        }
        parts.add(text.substring(from));
        return parts;
    }

    private void statement(String text, List<Object> parameters, boolean inProcedure) {
        Answer scripted = responder.answerTo(text);
        if (scripted != null) {
            scripted(text, parameters, scripted);
            return;
        }
        Store store = session.store();
        if (store != null && !isOurs(text)) {
            Answer answer = store.asked(text).orElse(null);
            if (answer == null && session.beginsByItself()) {
                begin();
            }
            scripted(text, List.of(), answer != null ? answer : store.run(text, parameters, session));
            return;
        }
        for (Map.Entry<Pattern, Action> known : statements.entrySet()) {
            Matcher words = known.getKey().matcher(text);
            if (words.matches()) {
                if (inProcedure && !text.startsWith("SELECT ")) {
                    unknown("in a procedure: " + text);
                    return;
                }
                known.getValue().on(words);
                piece(text.startsWith("SELECT ") ? Tokens.SELECT : Tokens.NOTHING, -1);
                return;
            }
        }
        unknown(text);
    }

    /** Queries without a table are answered from the model. */
    private boolean isOurs(String text) {
        return statements.keySet().stream()
                        .anyMatch(known -> known.matcher(text).matches())
                && (!text.startsWith("SELECT ")
                        || text.startsWith("SELECT @@")
                        || text.startsWith("SELECT CAST(SERVERPROPERTY")
                        || text.startsWith("SELECT CASE ")
                        || text.equals("SELECT 1"));
    }

    private void unknown(String text) {
        responder.complain("The responder does not know: " + text);
        error(new Raised(102, 15, 1, "The responder does not know: " + text));
        ended = true;
        piece(Tokens.NOTHING, -1);
    }

    // ---- what a test has answers for

    /** Whether the last request was stopped. */
    boolean isCancelled() {
        return cancelled;
    }

    private void scripted(String text, List<Object> parameters, Answer answer) {
        if (!answer.errors().isEmpty() && answer.errors().get(0).number() == 0) {
            cancelled = true;
            ended = true;
            return;
        }
        if (session.beginsByItself()) {
            begin();
        }
        if (answer.columns() > 0) {
            tokens.rows(answer.columns(), answer.rows());
        } else if (answer.errors().isEmpty() && answer.count() >= 0) {
            session.wrote(parameters.isEmpty() ? text : text + " " + parameters);
        }
        answer.errors().forEach(this::error);
        boolean undone = answer.did() == Did.NOTHING && !answer.errors().isEmpty();
        boolean aborts = undone
                && session.xactAbort()
                && answer.errors().get(0).number() < 50_000
                && answer.errors().get(0).severity() > 10;
        switch (answer.did()) {
            case NOTHING -> {
                if (aborts) {
                    rollBackAndStop();
                }
            }
            case ROLLED_BACK -> rollBackAndStop();
            case DOOMED -> {
                session.doom();
                ended = true;
            }
            case COMMITTED -> commitIfAny();
            case BEGUN -> begin();
        }
        piece(answer.columns() > 0 ? Tokens.SELECT : Tokens.INSERT, answer.count());
    }

    private void rollBackAndStop() {
        if (session.trancount() > 0) {
            rollBack();
        }
        ended = true;
    }

    // ---- what is known

    private void begin() {
        session.begin();
        if (session.trancount() == 1) {
            tokens.transaction(Tokens.BEGUN, session.transaction());
        }
    }

    private void beginReading(Matcher words) {
        if ("READ_ONLY".equals(responder.updateability(readOnlyIntent))) {
            begin();
        } else {
            error(new Raised(50_000, 16, Integer.parseInt(words.group(2)), words.group(1)));
        }
    }

    private void commitIfAny() {
        if (session.trancount() > 0) {
            long number = session.transaction();
            if (session.commit()) {
                tokens.transaction(Tokens.COMMITTED, number);
            }
        }
    }

    private void rollBackIfAny() {
        if (session.trancount() > 0) {
            rollBack();
        }
    }

    private void rollBack() {
        tokens.transaction(Tokens.ROLLED_BACK, session.transaction());
        session.rollBack();
    }

    private void commitOrComplain(Matcher words) {
        if (session.trancount() == 1 && session.xactState() == 1) {
            commitIfAny();
        } else if (session.trancount() > 0) {
            error(new Raised(50_000, 16, Integer.parseInt(words.group(2)), words.group(1)));
        } else {
            error(new Raised(50_000, 16, Integer.parseInt(words.group(4)), words.group(3)));
        }
    }

    private void save(String name) {
        if (session.trancount() == 0) {
            error(new Raised(628, 16, 0, "Cannot issue SAVE TRANSACTION when there is no active transaction."));
        } else {
            session.save(name);
        }
    }

    private void rollBackTo(String name) {
        if (session.xactState() < 0) {
            error(new Raised(
                    3931,
                    16,
                    1,
                    "The current transaction cannot be committed and cannot be rolled back to a savepoint."));
        } else if (session.trancount() == 0) {
            error(new Raised(3903, 16, 1, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."));
        } else if (!session.rollBackTo(name)) {
            error(new Raised(
                    6401, 16, 1, "Cannot roll back " + name + ". No transaction or savepoint of that name was found."));
        }
    }

    /** A query of expressions, with nothing behind them. */
    private void select(Matcher words) {
        List<@Nullable Object> row = new ArrayList<>();
        String left = words.group(1);
        if (left.startsWith("CAST(SERVERPROPERTY('EngineEdition') AS int)")) {
            row.addAll(responder.probed(session, readOnlyIntent));
            left = "";
        }
        while (!left.isEmpty()) {
            String rest = left;
            Map.Entry<String, Function<SessionModel, Object>> next = expressions.entrySet().stream()
                    .filter(known -> rest.startsWith(known.getKey()))
                    .findFirst()
                    .orElse(null);
            if (next != null) {
                row.add(next.getValue().apply(session));
                left = left.substring(next.getKey().length());
            } else if (left.matches("\\d+(,.*)?")) {
                String digits = left.replaceFirst(",.*", "");
                row.add(Integer.valueOf(digits));
                left = left.substring(digits.length());
            } else {
                responder.complain("The responder does not know the expression: " + left);
                error(new Raised(102, 15, 1, "The responder does not know the expression: " + left));
                return;
            }
            left = left.startsWith(", ") ? left.substring(2) : left;
        }
        if (words.group(1).contains(" FROM ") && session.beginsByItself()) {
            begin();
        }
        tokens.rows(row.size(), List.of(row));
    }

    private void error(Raised error) {
        tokens.error(error);
        failed |= error.severity() > 10;
    }

    private void piece(int command, long count) {
        int status = (failed ? Tokens.ERROR : 0) | (count >= 0 ? Tokens.COUNT : 0);
        pieces.add(new Piece(tokens.toByteArray(), status, command, Math.max(count, 0)));
        tokens = new Tokens();
        failed = false;
    }
}
