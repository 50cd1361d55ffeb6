package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.STILL_OPEN;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;
import static dev.holdfast.tx.FailureEffect.SCOPE;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.mssql.MssqlErrorTable.Row;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/*
 * What an error is, did and means.
 *
 * What it is follows from its number, for the driver knows hardly any SQLState. What it did to the transaction follows from
 * the number and from XACT_ABORT, and from what came after it in the same batch: the first error may have left the
 * transaction open, and the second says that it is rolled back. The driver does not tell whether a transaction is open, so a
 * number that is not known counts as having ended it: what then goes on is a rollback, and never a statement outside of every
 * transaction. An error without a number is the driver's own: of the connection, of a cancel, or of a call that was never
 * sent.
 *
 * That number and setting are those of the caller's own statement. Inside a procedure or trigger XACT_ABORT may be on, and a
 * CATCH block may have rolled back before it raised the same number again; the batch that called it says nothing more then,
 * or 266 or 3609. So of a statement's error no number counts as harmless by itself: the server is asked (docs/adr/0014).
 *
 * As the answer to COMMIT: the fence tells by its state whether the transaction is still there. Of what is gone nobody
 * knows whether it was committed, by a procedure for one, or rolled back.
 */
final class MssqlFailures {
    /** What the driver says of a statement that was cancelled, by itself for a timeout or by somebody. */
    private static final String CANCELLED = "HY008";

    /**
     * What kind of constraint it was, as the server puts it into the message whatever language the message is in: the words
     * of T-SQL, in capitals. Names are left out before, for they may be anything.
     */
    private static final Pattern CONSTRAINT =
            Pattern.compile("(?<![\\p{L}_])(?:(FOREIGN KEY|REFERENCE)|(CHECK))(?![\\p{L}_])");

    private static final Pattern QUOTED =
            Pattern.compile("\"[^\"]*\"|'[^']*'|«[^»]*»|„[^“”]*[“”]|“[^”]*”|”[^”]*”|「[^」]*」");

    private MssqlFailures() {}

    static Failure classify(SQLException error, Moment moment, Profile profile) {
        List<SQLException> chain = said(error);
        SQLException evidence = chain.get(0);
        FailureEffect effect = NONE;
        for (SQLException each : chain) {
            effect = worse(effect, effect(each, moment, profile));
        }
        return Failure.of(error, kind(evidence, moment, profile))
                .effect(inPhase(effect, moment.phase()))
                .atCommit(moment.phase() == Phase.COMMIT ? fate(chain) : UNKNOWN);
    }

    /** What was said by server or driver, in its order; pools and batches wrap it. The error itself if nothing was. */
    private static List<SQLException> said(SQLException error) {
        List<SQLException> said = new ArrayList<>();
        for (Throwable each : MssqlErrors.chain(error)) {
            if (each instanceof SQLException sql
                    && (sql.getErrorCode() != 0 || isOfConnection(sql) || isCancelled(sql))) {
                said.add(sql);
            }
        }
        return said.isEmpty() ? List.of(error) : List.copyOf(said);
    }

    private static boolean isOfConnection(SQLException error) {
        String state = error.getSQLState();
        return (state != null && state.startsWith("08")) || MssqlErrors.isFatal(error);
    }

    private static boolean isCancelled(SQLException error) {
        return CANCELLED.equals(error.getSQLState()) || error instanceof SQLTimeoutException;
    }

    // ---- what it is

    private static FailureKind kind(SQLException error, Moment moment, Profile profile) {
        int number = error.getErrorCode();
        if (number == 0) {
            return kindWithoutNumber(error, moment);
        }
        Row row = MssqlErrorTable.row(number);
        if (number == MssqlErrorTable.CONSTRAINT) {
            return constraint(error.getMessage());
        }
        if (number == MssqlErrorTable.LOCK_TIMEOUT && isNoWait(moment.lock())) {
            return FailureKind.LOCK_NOT_AVAILABLE;
        }
        if (number == MssqlErrorTable.CANNOT_OPEN && MssqlEdition.of(profile).isAzure()) {
            return FailureKind.SERVER_SHUTDOWN;
        }
        if (moment.phase() == Phase.BEGIN
                && number == MssqlErrorTable.FIRST_OF_USERS
                && MssqlErrors.state(error) == MssqlPlans.TAKES_WRITES) {
            return FailureKind.UNSUPPORTED;
        }
        if (moment.phase() == Phase.COMMIT && number == MssqlErrorTable.FIRST_OF_USERS) {
            return MssqlErrors.state(error) == MssqlPlans.STILL_THERE ? FailureKind.TX_ABORTED : FailureKind.TX_STATE;
        }
        return row.kind() == FailureKind.OTHER && MssqlErrors.isFatal(error) ? FailureKind.SERVER_SHUTDOWN : row.kind();
    }

    private static FailureKind kindWithoutNumber(SQLException error, Moment moment) {
        if (isCancelled(error)) {
            return switch (moment.cancelled()) {
                case BY_LIMIT -> FailureKind.STATEMENT_TIMEOUT;
                case BY_CALLER -> FailureKind.CANCELLED;
                // the driver, for a timeout of the statement's own, or the caller through a statement nobody watches
                // over
                case NOT ->
                    error instanceof SQLTimeoutException ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED;
            };
        }
        if (isOfConnection(error)) {
            return FailureKind.CONNECTION_LOST;
        }
        if (error.getSQLState() != null && error.getSQLState().startsWith("28")) {
            return FailureKind.PERMISSION;
        }
        if (moment.phase() == Phase.ACQUIRE) {
            // HikariCP: no connection came free in time, and none failed to be made either
            return error instanceof SQLTransientConnectionException
                    ? FailureKind.TOO_MANY_CONNECTIONS
                    : FailureKind.CONNECTION_LOST;
        }
        return FailureKind.OTHER;
    }

    private static boolean isNoWait(@Nullable RowLock lock) {
        return lock != null && lock.waiting() == RowLock.Waiting.NO_WAIT;
    }

    /** A foreign key or a check; neither for certain where the message does not have the words. */
    static FailureKind constraint(@Nullable String message) {
        Matcher words = CONSTRAINT.matcher(
                QUOTED.matcher(message == null ? "" : message).replaceAll(" "));
        if (!words.find()) {
            return FailureKind.OTHER;
        }
        return words.group(1) != null ? FailureKind.FOREIGN_KEY : FailureKind.CHECK;
    }

    // ---- what it did

    private static FailureEffect effect(SQLException error, Moment moment, Profile profile) {
        if (isOfConnection(error)) {
            return LOST;
        }
        boolean aborts = aborts(moment, profile);
        if (isCancelled(error)) {
            return aborts ? ENDED : undone(moment);
        }
        if (error.getErrorCode() == 0) {
            return NONE; // the driver's own: nothing was sent
        }
        Row row = MssqlErrorTable.row(error.getErrorCode());
        FailureEffect effect = aborts && row.effect() == NONE ? row.underAbort() : row.effect();
        return effect == NONE ? undone(moment) : effect;
    }

    /** Usually the statement alone is undone; whether a procedure or a trigger in it has undone more, the server knows. */
    private static FailureEffect undone(Moment moment) {
        return moment.phase() == Phase.STATEMENT ? ASK : NONE;
    }

    private static boolean aborts(Moment moment, Profile profile) {
        Boolean asked = moment.wish().options().get(MssqlOptions.XACT_ABORT);
        return asked == null ? MssqlProfiles.abortsByDefault(profile) : asked;
    }

    /** Where there is no transaction, an error cannot have done anything to it. */
    private static FailureEffect inPhase(FailureEffect effect, Phase phase) {
        return switch (phase) {
            case ACQUIRE, OUTSIDE -> effect == LOST ? LOST : NONE;
            case BEGIN, STATEMENT, SAVEPOINT, COMMIT, ABORT -> effect;
        };
    }

    private static FailureEffect worse(FailureEffect one, FailureEffect other) {
        List<FailureEffect> order = List.of(NONE, SCOPE, ASK, DOOMED, ENDED, LOST);
        return order.indexOf(other) > order.indexOf(one) ? other : one;
    }

    // ---- what it means as the answer to COMMIT

    /**
     * Only of errors that all say the same it is known what became of the transaction; or if the fence did not commit it, and
     * what put a setting back then ended it.
     */
    private static CommitFate fate(List<SQLException> chain) {
        Set<CommitFate> fates = EnumSet.noneOf(CommitFate.class);
        chain.forEach(each -> fates.add(fate(each)));
        if (fates.size() == 1) {
            return fates.iterator().next();
        }
        return fates.equals(EnumSet.of(STILL_OPEN, ROLLED_BACK)) ? ROLLED_BACK : UNKNOWN;
    }

    private static CommitFate fate(SQLException error) {
        int number = error.getErrorCode();
        if (number == 0 || MssqlErrors.isFatal(error)) {
            return UNKNOWN;
        }
        if (number == MssqlErrorTable.FIRST_OF_USERS && MssqlErrors.state(error) == MssqlPlans.STILL_THERE) {
            return STILL_OPEN;
        }
        return MssqlErrorTable.row(number).atCommit();
    }
}
