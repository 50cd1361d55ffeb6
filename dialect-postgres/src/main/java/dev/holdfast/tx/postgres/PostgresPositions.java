package dev.holdfast.tx.postgres;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Step;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Places in the log, each on its timeline: {@code timeline/upper/lower}, in hexadecimal digits. A commit is before the place where
 * the next record will be inserted, whether it was flushed already or, with synchronous_commit off, not yet.
 *
 * <p>A timeline begins where a standby is promoted, and may begin before the end of the one before it: places of two timelines
 * cannot be compared by their numbers alone (PostgreSQL manual, Timelines). Who follows a timeline has gone to its end on the one
 * before.
 *
 * @param block how long a page of the log is
 */
record PostgresPositions(long block) implements Positions {
    /** Read after COMMIT, so what was committed is before it in the log. The name of a file of the log begins with its timeline. */
    static final Step.Sql READ = Step.query(
            "SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) || '/' || pg_current_wal_insert_lsn()",
            POSITION);

    /**
     * How far a standby has come, as an expression. What it receives is of a timeline that it follows, and not every user is told;
     * the last checkpoint that it has replayed may be of one before.
     */
    static final String REPLAYED = "lpad(to_hex(greatest((SELECT timeline_id FROM pg_control_checkpoint()),"
            + " (SELECT max(received_tli) FROM pg_stat_wal_receiver))), 8, '0') || '/' || pg_last_wal_replay_lsn()";

    private static final Message CURRENT = Message.each(READ);
    private static final Message SYSTEM_IDENTIFIER =
            Message.each(Step.query("SELECT system_identifier::text FROM pg_control_system()", SYSTEM));
    private static final Pattern PLACE = Pattern.compile("([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})");

    /** The next record is inserted behind the header of its page, and the last one replayed ends before it. */
    private static final long PAGE_HEADER = 24;

    @Override
    public Message current() {
        return CURRENT;
    }

    @Override
    public Message system() {
        return SYSTEM_IDENTIFIER;
    }

    @Override
    public boolean travelsWithCommit() {
        return true;
    }

    /** What follows a later timeline, and has come as far, has seen what of an earlier one was not lost. */
    @Override
    public boolean covers(String reached, String wanted) {
        Place there = Place.of(reached);
        Place end = Place.of(wanted);
        boolean behindHeader = end.number % block == PAGE_HEADER;
        return there.timeline >= end.timeline
                && Long.compareUnsigned(there.number, behindHeader ? end.number - PAGE_HEADER : end.number) >= 0;
    }

    /** What is on a later timeline stands for all of an earlier one that was not lost. */
    @Override
    public String union(String one, String other) {
        Place first = Place.of(one);
        Place second = Place.of(other);
        if (first.timeline != second.timeline) {
            return first.timeline > second.timeline ? one : other;
        }
        return Long.compareUnsigned(first.number, second.number) >= 0 ? one : other;
    }

    private record Place(long timeline, long number) {
        static Place of(String position) {
            Matcher parts = PLACE.matcher(position);
            if (!parts.matches()) {
                throw new IllegalArgumentException("'" + position + "' is no place in the log");
            }
            return new Place(
                    Long.parseLong(parts.group(1), 16),
                    Long.parseLong(parts.group(2), 16) << 32 | Long.parseLong(parts.group(3), 16));
        }
    }
}
