package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The sets of transactions that MySQL has executed, whatever their order. Their text is one of
 * {@code source[:tag]:first-last[:first-last…][:tag…][,…]} (MySQL manual, GTID Format and Storage).
 *
 * @param travelsWithCommit whether several statements travel as one text
 */
record MysqlPositions(boolean travelsWithCommit) implements Positions {
    /** What is executed on this server, in whatever session. */
    private static final Step.Sql EXECUTED = Step.query("SELECT @@GLOBAL.gtid_executed", POSITION);

    private static final Step.Sql CURRENT = current("@@GLOBAL.gtid_executed");

    private static final Pattern SOURCE = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern INTERVAL = Pattern.compile("([0-9]{1,18})(?:-([0-9]{1,18}))?");
    private static final Pattern TAG = Pattern.compile("[a-z_][a-z0-9_]{0,31}");

    /** How the server that follows this one is read from. */
    static Replication replication(Profile profile) {
        boolean together = MysqlPlans.travel(profile.identity()) == Travel.ONE_STRING;
        Positions positions = MysqlFlavour.of(profile) == MysqlFlavour.MARIADB
                ? new MariadbPositions(together)
                : new MysqlPositions(together);
        return MysqlProfiles.knowsPositions(profile)
                ? new Replication(Message.each(reached(profile)), positions)
                : new Replication(Message.each(Step.query("SELECT " + role(profile), Replication.ROLE)), null);
    }

    /**
     * Every user may ask whether a server takes writes, and few whether it follows another one. MariaDB 12 tells by a word what
     * others tell by a number.
     */
    private static String role(Profile profile) {
        String takesNone = MysqlFlavour.of(profile) == MysqlFlavour.AURORA ? "innodb_read_only" : "read_only";
        return "CASE WHEN CONCAT(@@GLOBAL." + takesNone + ") IN ('0', 'OFF') THEN 'writable' ELSE '"
                + Replication.REPLICA + "' END";
    }

    /** Whether what is committed tells its position. */
    static boolean travelWithCommit(Profile profile) {
        return MysqlProfiles.knowsPositions(profile) && MysqlPlans.travel(profile.identity()) == Travel.ONE_STRING;
    }

    private static Step.Sql reached(Profile profile) {
        String position =
                MysqlFlavour.of(profile) == MysqlFlavour.MARIADB ? MariadbPositions.APPLIED : "@@GLOBAL.gtid_executed";
        return Step.query("SELECT " + role(profile) + ", " + position, Replication.ROLE, POSITION);
    }

    /** Read after COMMIT, so what was committed is in it. */
    static Step.Sql read(Profile profile) {
        return MysqlFlavour.of(profile) == MysqlFlavour.MARIADB ? MariadbPositions.WRITTEN : EXECUTED;
    }

    @Override
    public Message current() {
        return Message.each(CURRENT);
    }

    /** Nothing where no writes are taken: a URL that names several servers may lead to one that is not promoted. */
    static Step.Sql current(String position) {
        return Step.query(
                "SELECT CASE WHEN CONCAT(@@GLOBAL.read_only) IN ('0', 'OFF') THEN " + position + " END", POSITION);
    }

    @Override
    public boolean covers(String reached, String wanted) {
        Map<String, TreeMap<Long, Long>> has = parsed(reached);
        return parsed(wanted).entrySet().stream().allMatch(source -> {
            TreeMap<Long, Long> there = has.getOrDefault(source.getKey(), new TreeMap<>());
            return source.getValue().entrySet().stream().allMatch(interval -> {
                Map.Entry<Long, Long> around = there.floorEntry(interval.getKey());
                return around != null && around.getValue() >= interval.getValue();
            });
        });
    }

    @Override
    public String union(String one, String other) {
        Map<String, TreeMap<Long, Long>> all = parsed(one);
        parsed(other).forEach((source, intervals) -> intervals.forEach((first, last) -> add(all, source, first, last)));
        return all.entrySet().stream()
                .map(source -> source.getKey() + ":"
                        + source.getValue().entrySet().stream()
                                .map(interval -> interval.getKey() + "-" + interval.getValue())
                                .collect(Collectors.joining(":")))
                .collect(Collectors.joining(","));
    }

    /** Intervals by source and tag; those that touch are one. */
    private static Map<String, TreeMap<Long, Long>> parsed(String set) {
        Map<String, TreeMap<Long, Long>> sources = new TreeMap<>();
        String text = set.replaceAll("\\s", "").toLowerCase(Locale.ROOT);
        for (String each : text.isEmpty() ? List.<String>of() : List.of(text.split(",", -1))) {
            List<String> parts = new ArrayList<>(List.of(each.split(":", -1)));
            String source = parts.remove(0);
            boolean ends = !parts.isEmpty()
                    && INTERVAL.matcher(parts.get(parts.size() - 1)).matches();
            if (!SOURCE.matcher(source).matches() || !ends) {
                throw new IllegalArgumentException("'" + set + "' is no set of transactions");
            }
            String key = source;
            for (String part : parts) {
                Matcher interval = INTERVAL.matcher(part);
                if (interval.matches()) {
                    long first = Long.parseLong(interval.group(1));
                    add(sources, key, first, interval.group(2) == null ? first : Long.parseLong(interval.group(2)));
                } else if (TAG.matcher(part).matches()) {
                    key = source + ":" + part;
                } else {
                    throw new IllegalArgumentException("'" + set + "' is no set of transactions");
                }
            }
        }
        return sources;
    }

    private static void add(Map<String, TreeMap<Long, Long>> sources, String source, long first, long last) {
        TreeMap<Long, Long> intervals = sources.computeIfAbsent(source, any -> new TreeMap<>());
        long from = first;
        long to = last;
        Map.Entry<Long, Long> before = intervals.floorEntry(from);
        if (before != null && before.getValue() >= from - 1) {
            from = before.getKey();
            to = Math.max(to, before.getValue());
        }
        Map.Entry<Long, Long> next = intervals.ceilingEntry(from);
        while (next != null && next.getKey() <= to + 1) {
            to = Math.max(to, next.getValue());
            intervals.remove(next.getKey());
            next = intervals.ceilingEntry(from);
        }
        intervals.put(from, to);
    }
}
