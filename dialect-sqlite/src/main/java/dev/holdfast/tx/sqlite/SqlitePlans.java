package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.ConstraintChecking;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/*
 * Begin: read each setting that must differ into a slot, change it, BEGIN. Commit: put the settings back, COMMIT. A COMMIT
 * without a transaction is an error (sqlite.org/lang_transaction.html), so it needs no fence.
 *
 * Abort must be right in any state. ROLLBACK without a transaction is an error, so a savepoint comes first: it opens a
 * transaction where there is none, and ROLLBACK then ends whatever is open (lang_savepoint.html). A setting is put back
 * only if its slot was read, for what was not read was not changed. Both fail while a statement that writes is
 * half read (INSERT ... RETURNING), or one that reads was half read when it was cancelled; such a connection is thrown
 * away, and closing it rolls back.
 *
 * On a pool that idles with autocommit off, sqlite-jdbc has a transaction open at any time. It is ended before ours
 * begins, and one is begun after ours has ended, by statements: setAutoCommit(true) would commit whatever is open, and
 * fails where nothing is. A pool with transaction_mode=IMMEDIATE cannot be used like that: it takes the write lock
 * again as soon as it has its connection back, and keeps it.
 */
/** How transactions begin and end. */
final class SqlitePlans {
    private static final Step COMMIT = Step.sql("COMMIT");
    private static final Step ROLLBACK = Step.sql("ROLLBACK");
    private static final Step ABORT_SAVEPOINT = Step.sql("SAVEPOINT hf_abort");
    private static final Step IDLE_SAVEPOINT = Step.sql("SAVEPOINT hf_idle");
    private static final Step IDLE_BEGIN = Step.sql("BEGIN DEFERRED");
    private static final Step IDLE_CHECK =
            new Step.Native("refuse transaction_mode IMMEDIATE and EXCLUSIVE", SqlitePort::refuseIdlingWithWriteLock);

    private static final Step WAIT =
            new Step.Native("waits for locks end when cancelled", SqlitePort::waitUntilCancelled);
    private static final Step WAIT_AS_BEFORE = new Step.Native("waits for locks as before", SqlitePort::waitAsBefore);

    private static final List<Refusal> REFUSALS = List.of(
            new Refusal(
                    (options, profile) -> options.access() == Access.READ_WRITE && SqliteFacts.onlyReads(profile),
                    "READ_WRITE on a data source that only reads (its PRAGMA query_only is on)",
                    "use the data source of the writer, or ask for READ_ONLY"),
            new Refusal(
                    (options, profile) -> locksAtOnce(options) && !mayWrite(options, profile),
                    "begin mode IMMEDIATE or EXCLUSIVE where nothing may be written, because both take the write lock",
                    "ask for begin mode DEFERRED or none, or for READ_WRITE on the writer"),
            new Refusal(
                    (options, profile) -> options.isVerifiable() && !mayWrite(options, profile),
                    "verifiable where nothing may be written: it would have to write a marker row, and what only reads"
                            + " leaves nothing to settle",
                    "leave it out, or ask for READ_WRITE on the writer"),
            new Refusal(
                    (options, profile) -> isChecked(options, ConstraintChecking.Timing.IMMEDIATE),
                    "constraint checking IMMEDIATE, because it can only defer what is deferrable",
                    "declare those foreign keys NOT DEFERRABLE, or leave the option out"),
            new Refusal(
                    (options, profile) -> options.constraints() != null
                            && !options.constraints().isAll(),
                    options -> "constraints by name (" + options.constraints() + ")",
                    "give no names: all foreign keys are deferred together"),
            new Refusal(
                    (options, profile) -> isChecked(options, ConstraintChecking.Timing.DEFERRED)
                            && !SqliteFacts.isOn(profile, SqliteFacts.FOREIGN_KEYS),
                    "deferred constraints, because foreign_keys is off on this data source: nothing is ever checked",
                    "open its connections with foreign_keys=true"),
            new Refusal(
                    (options, profile) ->
                            options.lockTimeout() != null && millis(options.lockTimeout()) > Integer.MAX_VALUE,
                    "a lock timeout of more than " + Integer.MAX_VALUE + " milliseconds",
                    "ask for a shorter one, or leave the option out"));

    private static final List<Note> NOTES = List.of(
            new Note(
                    (wish, profile) ->
                            wish.options().isolation() != null && wish.options().isolation() != Isolation.SERIALIZABLE,
                    wish -> "SERIALIZABLE is given for " + wish.options().isolation() + ": there is no other level"),
            new Note(
                    (wish, profile) -> SqliteFacts.isOn(profile, SqliteFacts.READ_UNCOMMITTED),
                    wish -> "read_uncommitted, which is on for this data source, is off in the transaction"),
            new Note(
                    (wish, profile) ->
                            SqliteFacts.onlyReads(profile) && wish.options().access() != Access.READ_ONLY,
                    wish -> "writes are refused: this data source only reads (its PRAGMA query_only is on)"),
            new Note(
                    (wish, profile) -> wish.options().access() == Access.READ_ONLY_HINT
                            && mode(wish.options(), profile) != BeginMode.DEFERRED,
                    wish ->
                            "READ_ONLY_HINT may still write, so the transaction holds the write lock; READ_ONLY does not"),
            new Note(
                    (wish, profile) -> wish.options().beginMode() == BeginMode.EXCLUSIVE
                            && "wal".equals(profile.fact(SqliteFacts.JOURNAL_MODE)),
                    wish -> "EXCLUSIVE is IMMEDIATE in WAL mode: others go on reading"),
            new Note(
                    (wish, profile) -> isChecked(wish.options(), ConstraintChecking.Timing.DEFERRED),
                    wish -> "all foreign keys are deferred, also those that are not declared DEFERRABLE"),
            new Note(
                    (wish, profile) -> isHeldToWork(wish.options(), profile),
                    wish -> "a wait for a lock cannot be cancelled, so busy_timeout is held to "
                            + shortest(work(wish.options()), wish.options().lockTimeout())),
            new Note(
                    (wish, profile) -> wish.carries(Wish.Carry.POSITION),
                    wish -> "no position is read: whoever reads the file after a commit sees it"));

    /** Of the file itself: a temporary table of the same name, or one of an attached file, is another. */
    private static final MarkerTable MARKERS = new MarkerTable(
            "main." + MarkerTable.TABLE,
            "CREATE TABLE " + MarkerTable.TABLE + " (id TEXT NOT NULL PRIMARY KEY, outcome TEXT NOT NULL,"
                    + " written TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) WITHOUT ROWID");

    /** To write is to wait for a transaction that may still be committed: there is one writer at a time. */
    private static final Settlement SETTLEMENT = new Settlement(
            Message.each(
                    new Step.Sql(
                            "INSERT OR IGNORE INTO " + MARKERS.name() + " (id, outcome) VALUES ('{" + MarkerTable.ID
                                    + "}', 'aborted')",
                            List.of(),
                            List.of(MarkerTable.ID)),
                    MARKERS.read()),
            MARKERS);

    private SqlitePlans() {}

    private record Refusal(BiPredicate<TxOptions, Profile> applies, Function<TxOptions, String> what, String instead) {
        Refusal(BiPredicate<TxOptions, Profile> applies, String what, String instead) {
            this(applies, options -> what, instead);
        }
    }

    private record Note(BiPredicate<Wish, Profile> applies, Function<Wish, String> text) {}

    /** A pragma that must differ during the transaction. Its slot has its name. */
    private record Setting(String pragma, String value) {
        List<Step> change() {
            return List.of(Step.query("PRAGMA " + pragma, pragma), Step.sql("PRAGMA " + pragma + "=" + value));
        }

        Step putBack() {
            return new Step.Sql("PRAGMA " + pragma + "={" + pragma + "}", List.of(), List.of(pragma));
        }
    }

    static TxPlan plan(Wish wish, Profile profile) {
        TxOptions options = wish.options();
        refuseWhatCannotBe(options, profile);
        boolean idlesOpen = profile.identity().autocommit() == Autocommit.OFF;
        List<Setting> settings = settings(options, profile);

        List<Step> begin = new ArrayList<>();
        List<Step> commit = new ArrayList<>();
        List<Step> abort = new ArrayList<>(List.of(ABORT_SAVEPOINT, ROLLBACK));
        if (idlesOpen) {
            begin.addAll(List.of(IDLE_CHECK, IDLE_SAVEPOINT, ROLLBACK));
        }
        settings.forEach(setting -> {
            begin.addAll(setting.change());
            commit.add(setting.putBack());
            abort.add(setting.putBack());
        });
        if (cancellable(profile)) {
            waitUntilCancelled(options, profile, begin, commit, abort);
        }
        begin.add(Step.sql("BEGIN " + mode(options, profile)));
        if (options.constraints() != null) {
            begin.add(Step.sql("PRAGMA defer_foreign_keys=ON"));
        }
        if (wish.carries(Wish.Carry.MARKER) || options.isVerifiable()) {
            commit.addAll(List.of(MARKERS.write(), MARKERS.forget()));
        }
        commit.add(COMMIT);
        int commitStep = commit.size() - 1;
        if (idlesOpen) {
            commit.add(IDLE_BEGIN);
            abort.add(IDLE_BEGIN);
        }
        return new TxPlan(
                new Message(Travel.EACH, begin),
                new CommitMessage(new Message(Travel.EACH, commit), commitStep, Proof.LAST, Fence.NONE),
                new Message(Travel.EACH, abort),
                notes(wish, profile));
    }

    /** Where {@code busy_timeout} is set by statements it is put back by them. */
    private static void waitUntilCancelled(
            TxOptions options, Profile profile, List<Step> begin, List<Step> commit, List<Step> abort) {
        Duration wait = options.lockTimeout();
        if (wait != null) {
            long limit = millis(wait);
            begin.add(new Step.Native(
                    "waits for locks end when cancelled, or after " + limit + " ms",
                    connection -> SqlitePort.waitUntilCancelled(connection, limit)));
        } else if (SqliteFacts.busyTimeout(profile) > 0) {
            begin.add(WAIT);
            commit.add(WAIT_AS_BEFORE);
            abort.add(WAIT_AS_BEFORE);
        }
    }

    static Settlement settlement() {
        return SETTLEMENT;
    }

    private static void refuseWhatCannotBe(TxOptions options, Profile profile) {
        for (Refusal refusal : REFUSALS) {
            if (refusal.applies().test(options, profile)) {
                throw refused(options, profile, refusal.what().apply(options), refusal.instead());
            }
        }
    }

    private static List<String> notes(Wish wish, Profile profile) {
        return NOTES.stream()
                .filter(note -> note.applies().test(wish, profile))
                .map(note -> note.text().apply(wish))
                .toList();
    }

    private static List<Setting> settings(TxOptions options, Profile profile) {
        List<Setting> settings = new ArrayList<>();
        Duration wait = wait(options, profile);
        if (wait != null) {
            settings.add(new Setting(SqliteFacts.BUSY_TIMEOUT, Long.toString(millis(wait))));
        }
        if (options.access() == Access.READ_ONLY && !SqliteFacts.onlyReads(profile)) {
            settings.add(new Setting(SqliteFacts.QUERY_ONLY, "ON"));
        }
        if (SqliteFacts.isOn(profile, SqliteFacts.READ_UNCOMMITTED)) {
            settings.add(new Setting(SqliteFacts.READ_UNCOMMITTED, "OFF"));
        }
        return settings;
    }

    /** How the transaction begins: only DEFERRED leaves the write lock to others. */
    static BeginMode mode(TxOptions options, Profile profile) {
        BeginMode asked = options.beginMode();
        if (asked != null) {
            return asked;
        }
        return mayWrite(options, profile) ? BeginMode.IMMEDIATE : BeginMode.DEFERRED;
    }

    static TxUnsupportedException refused(TxOptions options, Profile profile, String what, String instead) {
        return new TxUnsupportedException(profile + " refuses " + what + "; " + instead, options.label());
    }

    private static boolean mayWrite(TxOptions options, Profile profile) {
        return options.access() != Access.READ_ONLY && !SqliteFacts.onlyReads(profile);
    }

    private static boolean locksAtOnce(TxOptions options) {
        return options.beginMode() == BeginMode.IMMEDIATE || options.beginMode() == BeginMode.EXCLUSIVE;
    }

    private static boolean isChecked(TxOptions options, ConstraintChecking.Timing timing) {
        return options.constraints() != null && options.constraints().timing() == timing;
    }

    /** How long to wait for locks; null for what the connection has. */
    private static @Nullable Duration wait(TxOptions options, Profile profile) {
        return isHeldToWork(options, profile) ? shortest(work(options), options.lockTimeout()) : options.lockTimeout();
    }

    /** Whether a limit on the work is shorter than a wait for a lock through which no cancel comes. */
    private static boolean isHeldToWork(TxOptions options, Profile profile) {
        Duration work = cancellable(profile) ? null : work(options);
        long wait = options.lockTimeout() == null ? SqliteFacts.busyTimeout(profile) : millis(options.lockTimeout());
        return work != null && millis(work) < wait;
    }

    /** Whether a cancel ends a wait for a lock. */
    private static boolean cancellable(Profile profile) {
        return profile.identity().driverSettings().containsKey(SqlitePort.CANCELLABLE_WAITS);
    }

    private static @Nullable Duration work(TxOptions options) {
        return shortest(options.statementTimeout(), options.wholeTimeout());
    }

    private static @Nullable Duration shortest(@Nullable Duration one, @Nullable Duration other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.compareTo(other) <= 0 ? one : other;
    }

    /** Rounded up: zero would mean not to wait at all. */
    private static long millis(Duration duration) {
        return duration.plusNanos(999_999).toMillis();
    }
}
