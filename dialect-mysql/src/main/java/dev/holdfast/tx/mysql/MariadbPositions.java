package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Step;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How far MariaDB's log has come, in each of its domains: {@code domain-server-number[,…]} (MariaDB manual, Global Transaction
 * ID). Who has applied a transaction of a domain has applied all before it in that. Which server it came from is known of the last
 * one alone.
 *
 * @param travelsWithCommit whether several statements travel as one text
 */
record MariadbPositions(boolean travelsWithCommit) implements Positions {
    /** What was written to the log here, or applied, whichever came later. */
    static final Step.Sql WRITTEN = Step.query("SELECT @@GLOBAL.gtid_current_pos", POSITION);

    private static final Step.Sql CURRENT = MysqlPositions.current("@@GLOBAL.gtid_current_pos");

    /** What a replica has applied. */
    static final String APPLIED = "@@GLOBAL.gtid_slave_pos";

    private static final Pattern ONE = Pattern.compile("([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,18})");

    @Override
    public Message current() {
        return Message.each(CURRENT);
    }

    @Override
    public boolean covers(String reached, String wanted) {
        Map<Long, Place> has = parsed(reached);
        return parsed(wanted).entrySet().stream().allMatch(domain -> {
            Place there = has.get(domain.getKey());
            return there != null && there.covers(domain.getValue());
        });
    }

    @Override
    public String union(String one, String other) {
        Map<Long, Place> all = parsed(one);
        parsed(other)
                .forEach((domain, place) ->
                        all.merge(domain, place, (ours, theirs) -> theirs.number > ours.number ? theirs : ours));
        return all.entrySet().stream()
                .map(domain -> domain.getKey() + "-" + domain.getValue().server + "-" + domain.getValue().number)
                .collect(Collectors.joining(","));
    }

    /** In one domain. After a failover two servers may have given the same number, and one of the two was lost. */
    private record Place(long server, long number) {
        boolean covers(Place wanted) {
            return number > wanted.number || equals(wanted);
        }
    }

    private static Map<Long, Place> parsed(String position) {
        Map<Long, Place> domains = new TreeMap<>();
        if (position.isBlank()) {
            return domains;
        }
        for (String each : position.split(",", -1)) {
            Matcher parts = ONE.matcher(each.strip());
            if (!parts.matches()) {
                throw new IllegalArgumentException("'" + position + "' is no position in a log");
            }
            domains.put(
                    Long.parseLong(parts.group(1)),
                    new Place(Long.parseLong(parts.group(2)), Long.parseLong(parts.group(3))));
        }
        return domains;
    }
}
