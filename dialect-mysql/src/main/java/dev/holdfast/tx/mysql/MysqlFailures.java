package dev.holdfast.tx.mysql;

import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.mysql.MysqlErrorTable.Row;
import dev.holdfast.tx.mysql.MysqlErrorTable.Verdict;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.SQLException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/*
 * What an error is, did and means.
 *
 * What it is follows from the server's number and, for the few that mean several things, from the moment. What it did to
 * the transaction follows from the number, too, and from the server: an error carries no status, so the drivers do not
 * know. What it means as the answer to COMMIT: what COMMIT itself can raise was tried on servers, or is documented to have
 * rolled back; all else leaves the fate unknown.
 */
final class MysqlFailures {
    private MysqlFailures() {}

    static Failure classify(SQLException error, Moment moment, Profile profile) {
        SQLException evidence = evidence(error);
        MysqlFlavour flavour = MysqlFlavour.of(profile);
        Row row = MysqlErrorTable.row(evidence, moment.phase());
        FailureKind kind = kind(row, evidence, moment, flavour);
        return Failure.of(error, kind)
                .effect(effect(row, evidence, moment, profile))
                .atCommit(fate(row, evidence, moment, flavour));
    }

    /** The first of the chain whose number is known, else that has a SQLState: batches and pools wrap what was said. */
    private static SQLException evidence(SQLException error) {
        SQLException withState = null;
        for (Throwable each : chain(error)) {
            if (each instanceof SQLException sql) {
                if (MysqlErrorTable.knows(sql)) {
                    return sql;
                }
                if (withState == null && sql.getSQLState() != null) {
                    withState = sql;
                }
            }
        }
        return withState == null ? error : withState;
    }

    /** An error, its causes, and what follows it, each once: they may go round in a circle. */
    private static Set<Throwable> chain(SQLException error) {
        Set<Throwable> chain =
                Collections.newSetFromMap(new LinkedHashMap<>()); // errors are equal when they are the same
        for (Throwable each : error) {
            if (!chain.add(each)) {
                break;
            }
        }
        return chain;
    }

    private static FailureKind kind(Row row, SQLException evidence, Moment moment, MysqlFlavour flavour) {
        if (isMissingSavepoint(evidence, moment)) {
            return FailureKind.TX_STATE;
        }
        // MariaDB has no other number for a lock that must not wait
        if (evidence.getErrorCode() == MysqlErrorTable.LOCK_WAIT_TIMEOUT
                && flavour == MysqlFlavour.MARIADB
                && isNoWait(moment.lock())) {
            return FailureKind.LOCK_NOT_AVAILABLE;
        }
        if (row.kind() == FailureKind.READ_ONLY && mayWrite(moment.wish()) && isReadOnlyServer(evidence)) {
            return FailureKind.NOT_PRIMARY;
        }
        if (isCut(row, evidence) && moment.cancelled() != Cancelled.NOT) {
            return moment.cancelled() == Cancelled.BY_LIMIT ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED;
        }
        return row.kind();
    }

    private static boolean mayWrite(Wish wish) {
        Access access = wish.options().access();
        return wish.target() == Wish.Target.PRIMARY && access != Access.READ_ONLY && access != Access.READ_ONLY_HINT;
    }

    /** One number is for all options that forbid statements; it names the option, which is the same in every language. */
    private static boolean isReadOnlyServer(SQLException evidence) {
        return switch (evidence.getErrorCode()) {
            case MysqlErrorTable.FORBIDDEN_BY_OPTION ->
                String.valueOf(evidence.getMessage()).contains("-read-only");
            case MysqlErrorTable.SERVER_READS_ONLY -> true;
            default -> false;
        };
    }

    /** Whether it is what a cancel through the driver raises; the server's own limits have numbers of their own. */
    private static boolean isCut(Row row, SQLException evidence) {
        return evidence.getErrorCode() == MysqlErrorTable.INTERRUPTED
                || (!MysqlErrorTable.knows(evidence)
                        && (row.kind() == FailureKind.CANCELLED || row.kind() == FailureKind.STATEMENT_TIMEOUT));
    }

    private static boolean isNoWait(@Nullable RowLock lock) {
        return lock != null && lock.waiting() == RowLock.Waiting.NO_WAIT;
    }

    /** One number stands for savepoints and for routines; the engine's own statements know savepoints only. */
    private static boolean isMissingSavepoint(SQLException evidence, Moment moment) {
        return evidence.getErrorCode() == MysqlErrorTable.NO_SUCH_SAVEPOINT_OR_ROUTINE
                && moment.phase() != Phase.STATEMENT
                && moment.phase() != Phase.OUTSIDE;
    }

    private static FailureEffect effect(Row row, SQLException evidence, Moment moment, Profile profile) {
        return switch (moment.phase()) {
            case ACQUIRE, OUTSIDE -> row.effect() == LOST ? LOST : NONE;
            case COMMIT -> row.effect() == LOST || row.effect() == ASK ? row.effect() : ENDED;
            case BEGIN, STATEMENT, SAVEPOINT, ABORT -> effectInside(row, evidence, moment, profile);
        };
    }

    private static FailureEffect effectInside(Row row, SQLException evidence, Moment moment, Profile profile) {
        // where a savepoint should be and is not, the transaction is no longer the one that it was set in
        if (isMissingSavepoint(evidence, moment)) {
            return ENDED;
        }
        MysqlFlavour flavour = MysqlFlavour.of(profile);
        boolean own = flavour.isMysql() || flavour == MysqlFlavour.MARIADB;
        return switch (evidence.getErrorCode()) {
            // of NOWAIT, too; a wait for metadata leaves the transaction open even then, but nothing tells them apart
            case MysqlErrorTable.LOCK_WAIT_TIMEOUT -> MysqlProfiles.rollsBackOnTimeout(profile) ? ENDED : NONE;
            case MysqlErrorTable.RECORD_CHANGED -> flavour == MysqlFlavour.MARIADB ? ENDED : DOOMED;
            // InnoDB undoes the statement alone, whatever is not documented otherwise; nobody says so of the others
            default -> !own && row.effect() == NONE && isVague(row.kind()) ? ASK : row.effect();
        };
    }

    private static boolean isVague(FailureKind kind) {
        return switch (kind) {
            case OTHER, CANCELLED, STATEMENT_TIMEOUT, RESOURCES -> true;
            default -> false;
        };
    }

    /** The table of markers is gone, or may not be written any more: the row travels in front of COMMIT, which never says so. */
    private static boolean isMarkerRefused(SQLException evidence, Moment moment) {
        return MysqlMarkers.isWished(moment.wish())
                && !moment.wish().carries(Carry.POSITION)
                && MysqlErrorTable.isOfTables(evidence);
    }

    private static CommitFate fate(Row row, SQLException evidence, Moment moment, MysqlFlavour flavour) {
        if (isMissingSavepoint(evidence, moment)) {
            return UNKNOWN; // the fence: something has ended the transaction, and may have committed it
        }
        boolean whole = flavour.isMysql() || flavour == MysqlFlavour.MARIADB;
        boolean last = !moment.wish().carries(Carry.POSITION);
        if (isMarkerRefused(evidence, moment)) {
            return ROLLED_BACK;
        }
        Verdict verdict = row.verdict();
        return verdict == Verdict.REFUSED || (verdict == Verdict.REFUSED_IF_WHOLE_AND_LAST && whole && last)
                ? ROLLED_BACK
                : UNKNOWN;
    }
}
