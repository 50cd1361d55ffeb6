package dev.holdfast.tx.mssql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What the dialect sends is T-SQL that every server knows whose version is 12 or newer. None is here to refuse what it does not
 * know, so the words are held against a list; who adds one looks up since when it is there.
 */
class KnownWordsTest {
    /** T-SQL reference: in SQL Server 2008, all of them, and so in Azure SQL and whatever came later. */
    private static final Set<String> SINCE_2008 =
            Set.of(("SELECT INSERT INTO VALUES DELETE FROM WHERE NOT EXISTS AND IF"
                            + " ELSE CASE WHEN THEN END AS CAST WITH SET ON OFF CREATE TABLE NULL PRIMARY KEY DEFAULT"
                            + " BEGIN COMMIT ROLLBACK SAVE TRAN RAISERROR"
                            + " TRANSACTION ISOLATION LEVEL READ UNCOMMITTED COMMITTED REPEATABLE SERIALIZABLE SNAPSHOT"
                            + " LOCK_TIMEOUT XACT_ABORT IMPLICIT_TRANSACTIONS"
                            + " UPDLOCK ROWLOCK HOLDLOCK NOWAIT READPAST READCOMMITTEDLOCK"
                            + " XACT_STATE SERVERPROPERTY DATABASEPROPERTYEX DB_NAME QUOTENAME SYSUTCDATETIME"
                            + " @@TRANCOUNT @@OPTIONS @@LOCK_TIMEOUT @@SPID"
                            + " INT CHAR VARCHAR NVARCHAR DATETIME2"
                            + " SYS DATABASES NAME IS_READ_COMMITTED_SNAPSHOT_ON SNAPSHOT_ISOLATION_STATE IS_READ_ONLY"
                            + " DM_EXEC_SESSIONS SESSION_ID TRANSACTION_ISOLATION_LEVEL")
                    .split(" "));

    /** Of the marker table, and of savepoints. */
    private static final Set<String> OURS = Set.of("HOLDFAST_MARKER", "ID", "OUTCOME", "WRITTEN", "HF_1", "SHOP");

    private static final Pattern NO_WORD = Pattern.compile("N?'(?:[^']|'')*'|\\{[^}]*}");
    private static final Pattern WORD = Pattern.compile("@{0,2}[A-Za-z_][A-Za-z_0-9]*");

    private final Set<String> words = new TreeSet<>();
    private int texts;

    private void read(String text) {
        texts++;
        Matcher word = WORD.matcher(NO_WORD.matcher(text).replaceAll(" "));
        while (word.find()) {
            words.add(word.group().toUpperCase(Locale.ROOT));
        }
    }

    private void read(Message message) {
        message.steps().forEach(step -> read(((Step.Sql) step).text()));
    }

    private void read(TxPlan plan) {
        read(plan.begin());
        read(plan.commit().message());
        read(plan.abort());
    }

    private void plan(TxOptions options, Profile profile) {
        try {
            read(Profiles.DIALECT.plan(Wish.of(options), profile));
        } catch (TxUnsupportedException refused) {
            texts++; // then nothing is sent
        }
    }

    private void lock(RowLock lock, Profile profile) {
        try {
            LockPlan plan = Profiles.DIALECT.lock(lock, Wish.of(TxOptions.none()), profile);
            read(plan.tableHint());
            read(plan.tail());
            read(plan.before());
            read(plan.after());
        } catch (TxUnsupportedException refused) {
            texts++;
        }
    }

    @Test
    void nothing_is_sent_that_not_every_version_knows() {
        MssqlDialect dialect = Profiles.DIALECT;
        read(dialect.probe(Profiles.identity(Autocommit.ON)));
        read(Holdfast.markerTable(dialect).orElseThrow());
        List<Profile> profiles = List.of(
                Profiles.usual(),
                Profiles.autocommitOff(),
                Profiles.azure(),
                Profiles.secondary(),
                Profiles.aborting(),
                Profiles.answering(Map.of("database", "[shop]")));
        for (Profile profile : profiles) {
            Stream.concat(MssqlPlansTest.alone().values().stream(), MssqlPlansTest.combinations().values().stream())
                    .forEach(options -> plan(options, profile));
            for (RowLock lock : List.of(RowLock.forUpdate(), RowLock.forShare())) {
                lock(lock, profile);
                lock(lock.noWait(), profile);
                lock(lock.skipLocked(), profile);
                lock(lock.waitAtMost(Duration.ofSeconds(2)), profile);
            }
            Savepoints savepoints = dialect.savepoints(profile);
            read(savepoints.set("hf_1"));
            read(savepoints.rollbackTo("hf_1"));
            read(savepoints.release("hf_1"));
            dialect.standing(profile).ifPresent(standing -> read(standing.question()));
            dialect.settlement(profile).ifPresent(settlement -> read(settlement.question()));
        }
        assertThat(words).contains("XACT_STATE", "READPAST", "HOLDFAST_MARKER", "SNAPSHOT", "HF_1");
        assertThat(texts).isGreaterThan(1000);
        words.removeAll(SINCE_2008);
        words.removeAll(OURS);
        assertThat(words)
                .as("words of which it is not known since when they are there")
                .isEmpty();
    }
}
