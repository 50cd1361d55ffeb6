package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.testkit.history.Findings.Finding;
import dev.holdfast.tx.testkit.history.Recorded.Status;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Looks in a history for what isolation levels forbid, in time and memory linear in its length. What it finds is there; it
 * does not find everything.
 *
 * <p>It needs values that tell the order of versions by themselves. Of a register the value that a transaction read is the
 * one it wrote over, so every write should follow a read of the same key in its transaction; of a list the elements are in
 * order. No value is written twice to a key.
 *
 * <p>A transaction of unknown outcome counts as committed if a committed one read what it wrote, and else as if it had never
 * been.
 */
public final class Checker {
    private static final int CYCLE_KINDS =
            Dependencies.WW | Dependencies.WR | Dependencies.RW | Dependencies.RW_OF_READER;

    private final List<Recorded> all;
    private final boolean[] committed;
    private final EnumMap<Phenomenon, Finding> findings = new EnumMap<>(Phenomenon.class);
    private final Dependencies graph = new Dependencies();

    /** Who wrote a version: twice the number of the transaction, plus one if it wrote over it itself. */
    private final LongIntMap writers = new LongIntMap(1024);

    /** Who wrote the next version of a key: the last of a chain of followers. */
    private final LongIntMap followers = new LongIntMap(1024);

    private int[] follower = new int[1024];
    private int[] nextFollower = new int[1024];
    private int followerCount;

    /** Reads of what others wrote: of whom, and which version. */
    private int[] reader = new int[1024];

    private int[] readKey = new int[1024];
    private int[] readValue = new int[1024];
    private int readCount;

    private final Map<Integer, Order> orders = new HashMap<>();
    private int proven;
    private long visits;

    /** What is known of the order of a list: the longest that was read, by whom. */
    private record Order(Op read, int by) {}

    private Checker(History history) {
        this.all = history.transactions();
        this.committed = new boolean[all.size()];
    }

    /**
     * Checks a history.
     *
     * @throws IllegalArgumentException if a value is written twice to a key
     */
    public static Findings check(History history) {
        return new Checker(history).findings();
    }

    private Findings findings() {
        indexWrites();
        decideCommitted();
        orderLists();
        for (int i = 0; i < all.size(); i++) {
            if (committed[i]) {
                readThrough(i);
            }
        }
        linkReaders();
        lostAppends();
        cycles();
        int count = 0;
        for (int i = 0; i < committed.length; i++) {
            count += committed[i] && !all.get(i).isFinal() ? 1 : 0;
        }
        return new Findings(findings, count, proven, graph.size(), visits);
    }

    private void indexWrites() {
        for (int i = 0; i < all.size(); i++) {
            List<Op> ops = all.get(i).ops();
            Map<Integer, Op> last = new HashMap<>();
            for (int at = ops.size() - 1; at >= 0; at--) {
                Op op = ops.get(at);
                if (op.isRead()) {
                    continue;
                }
                int replaced = last.putIfAbsent(op.key(), op) == null ? 0 : 1;
                if (writers.put(op.key(), op.value(), i * 2 + replaced) != LongIntMap.ABSENT) {
                    throw new IllegalArgumentException(all.get(i) + ": " + op + " was written before");
                }
            }
        }
    }

    private void decideCommitted() {
        Deque<Integer> unread = new ArrayDeque<>();
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).status() == Status.OK) {
                committed[i] = true;
                unread.add(i);
            }
        }
        while (!unread.isEmpty()) {
            for (Op op : all.get(unread.remove()).ops()) {
                if (op.kind() == Op.Kind.READ) {
                    proveCommitted(op.key(), op.value(), unread);
                }
                for (int at = 0; at < op.size(); at++) {
                    proveCommitted(op.key(), op.element(at), unread);
                }
            }
        }
    }

    private void proveCommitted(int key, int value, Deque<Integer> unread) {
        int writer = writers.get(key, value);
        if (writer != LongIntMap.ABSENT && all.get(writer / 2).status() == Status.UNKNOWN && !committed[writer / 2]) {
            committed[writer / 2] = true;
            proven++;
            unread.add(writer / 2);
        }
    }

    /** The order of each list is the longest one read; the observer's, if it read as many. */
    private void orderLists() {
        for (int i = 0; i < all.size(); i++) {
            if (!committed[i]) {
                continue;
            }
            for (Op op : all.get(i).ops()) {
                if (op.kind() == Op.Kind.READ_LIST) {
                    Order known = orders.get(op.key());
                    if (known == null
                            || op.size() > known.read().size()
                            || (op.size() == known.read().size() && all.get(i).isFinal())) {
                        orders.put(op.key(), new Order(op, i));
                    }
                }
            }
        }
        orders.forEach((key, order) -> {
            LongIntMap seen = new LongIntMap(order.read().size());
            int before = Op.INITIAL;
            for (int at = 0; at < order.read().size(); at++) {
                int element = order.read().element(at);
                if (seen.put(key, element, at) != LongIntMap.ABSENT) {
                    found(Phenomenon.GARBAGE_READ, element + " is there twice", order.by());
                    continue;
                }
                judgeElement(order.by(), key, element);
                int writer = writers.get(key, element);
                int writerBefore = writers.get(key, before);
                if (writer != LongIntMap.ABSENT
                        && committed[writer / 2]
                        && (writerBefore == LongIntMap.ABSENT || writerBefore / 2 != writer / 2)) {
                    follows(key, before, writer / 2);
                }
                before = element;
            }
        });
    }

    /** What a transaction knows of a key while it is read through. */
    private static final class Seen {
        @Nullable
        Op read;

        int written = Op.INITIAL;
        int appends;
        int appendsAtRead;
    }

    private void readThrough(int number) {
        Map<Integer, Seen> keys = new HashMap<>();
        List<Op> ops = all.get(number).ops();
        for (int at = 0; at < ops.size(); at++) {
            Op op = ops.get(at);
            Seen seen = keys.computeIfAbsent(op.key(), key -> new Seen());
            switch (op.kind()) {
                case READ -> read(number, op, seen);
                case READ_LIST -> readList(number, at, op, seen);
                case WRITE -> {
                    if (seen.written == Op.INITIAL && seen.read != null) {
                        follows(op.key(), seen.read.value(), number);
                    }
                    seen.written = op.value();
                }
                case APPEND -> {
                    seen.written = op.value();
                    seen.appends++;
                }
            }
        }
    }

    private void read(int number, Op op, Seen seen) {
        if (seen.written != Op.INITIAL) {
            if (op.value() != seen.written) {
                found(Phenomenon.INTERNAL, op + " after it had written " + seen.written, number);
            }
            return;
        }
        if (seen.read != null && seen.read.value() != op.value()) {
            found(Phenomenon.NON_REPEATABLE_READ, seen.read + ", and then " + op, number);
        }
        seen.read = op;
        if (op.value() != Op.INITIAL) {
            judgeElement(number, op.key(), op.value());
        }
        depends(number, op.key(), op.value());
    }

    private void readList(int number, int at, Op op, Seen seen) {
        int others = op.size() - seen.appends;
        if (others < 0 || !endsWithOwn(number, at, op)) {
            found(
                    Phenomenon.INTERNAL,
                    op + " after it had appended " + seen.appends + ", the last " + seen.written,
                    number);
            return;
        }
        Op before = seen.read;
        if (before != null && !sameStart(before, op, others, before.size() - seen.appendsAtRead)) {
            boolean own = seen.appends > 0;
            found(
                    own ? Phenomenon.CHANGED_BY_OWN_WRITE : Phenomenon.NON_REPEATABLE_READ,
                    before + ", and then " + op,
                    number);
        }
        seen.read = op;
        seen.appendsAtRead = seen.appends;
        Order order = orders.get(op.key());
        if (order != null && !isStartOf(op, order.read())) {
            found(Phenomenon.DIVERGING_READS, op + " here, and " + order.read() + " there", number, order.by());
            for (int i = 0; i < others; i++) {
                judgeElement(number, op.key(), op.element(i));
            }
            return;
        }
        int last = others == 0 ? Op.INITIAL : op.element(others - 1);
        int writer = writers.get(op.key(), last);
        if (writer != LongIntMap.ABSENT && writer / 2 == number) {
            found(Phenomenon.INTERNAL, op + ", of which it appended " + last + " only later", number);
        } else if (writer != LongIntMap.ABSENT && writer % 2 == 1) {
            found(Phenomenon.INTERMEDIATE_READ, op + ", and its writer appended more to it", number, writer / 2);
        }
        depends(number, op.key(), last);
    }

    /** Whether a list ends with what the transaction has appended to it so far. */
    private boolean endsWithOwn(int number, int at, Op read) {
        List<Op> ops = all.get(number).ops();
        int end = read.size();
        for (int i = at - 1; i >= 0; i--) {
            Op op = ops.get(i);
            if (op.kind() == Op.Kind.APPEND && op.key() == read.key()) {
                end--;
                if (end < 0 || read.element(end) != op.value()) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean sameStart(Op before, Op now, int length, int lengthBefore) {
        if (length != lengthBefore) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (before.element(i) != now.element(i)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isStartOf(Op read, Op longest) {
        for (int i = 0; i < read.size(); i++) {
            if (i >= longest.size() || read.element(i) != longest.element(i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a value that was read may be read at all. */
    private void judgeElement(int number, int key, int value) {
        int writer = writers.get(key, value);
        if (writer == LongIntMap.ABSENT) {
            found(Phenomenon.GARBAGE_READ, "of " + key + " it read " + value + ", which nobody wrote", number);
        } else if (writer / 2 == number) {
            if (!appendedBy(number, key, value)) {
                found(Phenomenon.INTERNAL, "of " + key + " it read " + value + ", which it wrote only later", number);
            }
        } else if (!committed[writer / 2]) {
            found(Phenomenon.ABORTED_READ, "of " + key + " it read " + value, number, writer / 2);
        } else if (writer % 2 == 1 && !orders.containsKey(key)) {
            found(Phenomenon.INTERMEDIATE_READ, "of " + key + " it read " + value, number, writer / 2);
        }
    }

    /** Own elements are in the lists that a transaction reads after it appended them; registers are judged before. */
    private boolean appendedBy(int number, int key, int value) {
        return all.get(number).ops().contains(Op.append(key, value));
    }

    /** A version that a committed transaction read, and did not write. */
    private void depends(int number, int key, int value) {
        if (readCount == reader.length) {
            reader = Arrays.copyOf(reader, readCount * 2);
            readKey = Arrays.copyOf(readKey, readCount * 2);
            readValue = Arrays.copyOf(readValue, readCount * 2);
        }
        reader[readCount] = number;
        readKey[readCount] = key;
        readValue[readCount] = value;
        readCount++;
    }

    /** A committed transaction wrote over this version. */
    private void follows(int key, int value, int number) {
        if (followerCount == follower.length) {
            follower = Arrays.copyOf(follower, followerCount * 2);
            nextFollower = Arrays.copyOf(nextFollower, followerCount * 2);
        }
        follower[followerCount] = number;
        nextFollower[followerCount] = followers.put(key, value, followerCount);
        if (nextFollower[followerCount] != LongIntMap.ABSENT) {
            int rival = follower[nextFollower[followerCount]];
            found(Phenomenon.LOST_UPDATE, "both read " + key + "=" + value + " and wrote over it", rival, number);
        }
        followerCount++;
        int writer = writers.get(key, value);
        if (writer != LongIntMap.ABSENT && committed[writer / 2] && writer / 2 != number) {
            graph.add(Dependencies.WW, writer / 2, number, key, value);
        }
    }

    private void linkReaders() {
        for (int i = 0; i < readCount; i++) {
            int number = reader[i];
            int writer = writers.get(readKey[i], readValue[i]);
            if (writer != LongIntMap.ABSENT && committed[writer / 2] && writer / 2 != number) {
                graph.add(Dependencies.WR, writer / 2, number, readKey[i], readValue[i]);
            }
            Recorded one = all.get(number);
            int kind = one.isReadOnly() ? Dependencies.RW_OF_READER : Dependencies.RW;
            int next = followers.get(readKey[i], readValue[i]);
            for (; next != LongIntMap.ABSENT; next = nextFollower[next]) {
                if (one.isFinal()) {
                    found(
                            Phenomenon.LOST_WRITE,
                            "at the end " + readKey[i] + " is " + readValue[i] + ", over which it wrote",
                            follower[next],
                            number);
                } else if (follower[next] != number) {
                    graph.add(kind, number, follower[next], readKey[i], readValue[i]);
                }
            }
        }
    }

    /** What was appended by a committed transaction must be in the list at the end. */
    private void lostAppends() {
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isFinal()) {
                continue;
            }
            LongIntMap there = new LongIntMap(1024);
            Map<Integer, Op> lists = new HashMap<>();
            for (Op op : all.get(i).ops()) {
                if (op.kind() == Op.Kind.READ_LIST) {
                    lists.put(op.key(), op);
                    for (int at = 0; at < op.size(); at++) {
                        there.put(op.key(), op.element(at), at);
                    }
                }
            }
            for (int writer = 0; writer < all.size(); writer++) {
                for (Op op : committed[writer] ? all.get(writer).ops() : List.<Op>of()) {
                    if (op.kind() == Op.Kind.APPEND
                            && lists.containsKey(op.key())
                            && there.get(op.key(), op.value()) == LongIntMap.ABSENT) {
                        found(Phenomenon.LOST_WRITE, "at the end it is " + lists.get(op.key()), writer);
                    }
                }
            }
        }
    }

    private void cycles() {
        graph.sort(all.size());
        if (!cycles(Phenomenon.SERIALIZATION_CYCLE, CYCLE_KINDS, false)) {
            return; // then there is none of any kind
        }
        cycles(Phenomenon.SNAPSHOT_CYCLE, CYCLE_KINDS, true);
        cycles(Phenomenon.READER_CYCLE, Dependencies.WW | Dependencies.WR | Dependencies.RW_OF_READER, false);
        if (cycles(Phenomenon.INFORMATION_CYCLE, Dependencies.WW | Dependencies.WR, false)) {
            cycles(Phenomenon.WRITE_CYCLE, Dependencies.WW, false);
        }
    }

    private boolean cycles(Phenomenon phenomenon, int kinds, boolean apart) {
        Cycles cycles = new Cycles(graph, all.size(), kinds, apart);
        visits += cycles.visits();
        if (cycles.count() == 0) {
            return false;
        }
        findings.put(phenomenon, new Finding(cycles.count(), witness(cycles.shortest())));
        return true;
    }

    private void found(Phenomenon phenomenon, String what, int... numbers) {
        Finding known = findings.get(phenomenon);
        if (known == null) {
            StringBuilder text = new StringBuilder();
            for (int number : numbers) {
                text.append("  ").append(all.get(number)).append('\n');
            }
            findings.put(phenomenon, new Finding(1, text + "  " + what));
        } else {
            findings.put(phenomenon, new Finding(known.count() + 1, known.witness()));
        }
    }

    private String witness(List<Integer> edges) {
        StringBuilder text = new StringBuilder();
        for (int edge : edges) {
            text.append("  ").append(all.get(graph.from(edge))).append('\n');
        }
        for (int edge : edges) {
            text.append("\n  ").append(why(edge));
        }
        return text.toString();
    }

    private String why(int edge) {
        String from = "T" + all.get(graph.from(edge)).id();
        String to = "T" + all.get(graph.to(edge)).id();
        String version = graph.key(edge) + "=" + graph.value(edge);
        return from + " before " + to + ": "
                + switch (graph.kind(edge)) {
                    case Dependencies.WW -> from + " wrote " + version + ", and " + to + " wrote over it";
                    case Dependencies.WR -> from + " wrote " + version + ", and " + to + " read it";
                    default -> from + " read " + version + ", and " + to + " wrote over it";
                };
    }
}
