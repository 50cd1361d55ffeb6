package dev.holdfast.tx.testkit.history;

import java.util.Arrays;

/** Which transaction must come before which other one, and why: a graph whose nodes are numbers of transactions. */
final class Dependencies {
    /** The second overwrote what the first one wrote. */
    static final int WW = 1;
    /** The second read what the first one wrote. */
    static final int WR = 2;
    /** The second overwrote what the first one read. */
    static final int RW = 4;
    /** The same, and the first one wrote nothing. */
    static final int RW_OF_READER = 8;

    private int[] from = new int[1024];
    private int[] to = new int[1024];
    private int[] key = new int[1024];
    private int[] value = new int[1024];
    private byte[] kind = new byte[1024];
    private int size;

    /** The edges of node n are those at {@code order[start[n]]} to before {@code order[start[n + 1]]}. */
    private int[] start = {};

    private int[] order = {};

    /**
     * Adds an edge.
     *
     * @param value the version of the key that it is about: what was overwritten or read
     */
    void add(int kind, int from, int to, int key, int value) {
        if (size == this.from.length) {
            int more = size * 2;
            this.from = Arrays.copyOf(this.from, more);
            this.to = Arrays.copyOf(this.to, more);
            this.key = Arrays.copyOf(this.key, more);
            this.value = Arrays.copyOf(this.value, more);
            this.kind = Arrays.copyOf(this.kind, more);
        }
        this.kind[size] = (byte) kind;
        this.from[size] = from;
        this.to[size] = to;
        this.key[size] = key;
        this.value[size] = value;
        size++;
    }

    /** Sorts the edges by where they start; to be called once, after the last one was added. */
    void sort(int nodes) {
        start = new int[nodes + 1];
        order = new int[size];
        for (int edge = 0; edge < size; edge++) {
            start[from[edge] + 1]++;
        }
        for (int node = 0; node < nodes; node++) {
            start[node + 1] += start[node];
        }
        int[] next = start.clone();
        for (int edge = 0; edge < size; edge++) {
            order[next[from[edge]]++] = edge;
        }
    }

    int size() {
        return size;
    }

    int first(int node) {
        return start[node];
    }

    int last(int node) {
        return start[node + 1];
    }

    /** The edge at a place of the sorted ones. */
    int edge(int place) {
        return order[place];
    }

    int from(int edge) {
        return from[edge];
    }

    int to(int edge) {
        return to[edge];
    }

    int kind(int edge) {
        return kind[edge];
    }

    int key(int edge) {
        return key[edge];
    }

    int value(int edge) {
        return value[edge];
    }
}
