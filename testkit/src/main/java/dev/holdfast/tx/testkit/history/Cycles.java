package dev.holdfast.tx.testkit.history;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The circles of some kinds of dependencies: strongly connected components after Tarjan, without recursion, and the shortest
 * circle in one of them.
 *
 * <p>Where two anti-dependencies must not follow each other, each transaction is there twice: reached by one (odd), and
 * reached by something else (even). A circle in that graph is one without two in a row.
 */
final class Cycles {
    private static final int NONE = -1;

    /** Of how many places of a component the shortest circle is looked for. */
    private static final int STARTS = 64;

    private final Dependencies graph;
    private final int nodes;
    private final int kinds;
    private final boolean apart;
    private final int[] component;
    private final List<int[]> cyclic = new ArrayList<>();
    private long visits;

    /**
     * Looks for circles.
     *
     * @param nodes how many transactions there are
     * @param kinds the kinds of dependencies that count
     * @param apart whether no two anti-dependencies may follow each other
     */
    Cycles(Dependencies graph, int nodes, int kinds, boolean apart) {
        this.graph = graph;
        this.nodes = nodes;
        this.kinds = kinds;
        this.apart = apart;
        this.component = new int[nodes * 2];
        search();
    }

    /** How many components have a circle. */
    int count() {
        return cyclic.size();
    }

    /** How often an edge was followed. */
    long visits() {
        return visits;
    }

    /** Where an edge leads from a node of the doubled graph; NONE if it does not count there. */
    private int follow(int node, int edge) {
        int kind = graph.kind(edge);
        if ((kind & kinds) == 0) {
            return NONE;
        }
        boolean anti = apart && (kind & (Dependencies.RW | Dependencies.RW_OF_READER)) != 0;
        if (anti && (node & 1) == 1) {
            return NONE;
        }
        return graph.to(edge) * 2 + (anti ? 1 : 0);
    }

    private void search() {
        int all = nodes * 2;
        int[] index = new int[all];
        int[] low = new int[all];
        int[] place = new int[all];
        int[] open = new int[all];
        int[] path = new int[all];
        boolean[] isOpen = new boolean[all];
        Arrays.fill(component, NONE);
        int counter = 0;
        int opened = 0;
        int components = 0;
        for (int root = 0; root < all; root += apart ? 1 : 2) {
            if (index[root] != 0) {
                continue;
            }
            int depth = 0;
            path[depth] = root;
            index[root] = low[root] = ++counter;
            place[root] = graph.first(root / 2);
            open[opened++] = root;
            isOpen[root] = true;
            while (depth >= 0) {
                int node = path[depth];
                if (place[node] < graph.last(node / 2)) {
                    int next = follow(node, graph.edge(place[node]++));
                    visits++;
                    if (next == NONE) {
                        continue;
                    }
                    if (index[next] == 0) {
                        index[next] = low[next] = ++counter;
                        place[next] = graph.first(next / 2);
                        open[opened++] = next;
                        isOpen[next] = true;
                        path[++depth] = next;
                    } else if (isOpen[next]) {
                        low[node] = Math.min(low[node], index[next]);
                    }
                    continue;
                }
                depth--;
                if (depth >= 0) {
                    low[path[depth]] = Math.min(low[path[depth]], low[node]);
                }
                if (low[node] == index[node]) {
                    int from = opened;
                    do {
                        from--;
                        isOpen[open[from]] = false;
                        component[open[from]] = components;
                    } while (open[from] != node);
                    if (opened - from > 1) {
                        cyclic.add(Arrays.copyOfRange(open, from, opened));
                    }
                    opened = from;
                    components++;
                }
            }
        }
    }

    /** The edges of the shortest circle of one of the components with circles, the smallest of them. */
    List<Integer> shortest() {
        int[] smallest = cyclic.stream()
                .min((a, b) -> Integer.compare(a.length, b.length))
                .orElseThrow();
        List<Integer> best = List.of();
        for (int i = 0; i < Math.min(STARTS, smallest.length); i++) {
            List<Integer> circle = circle(smallest[i], best.isEmpty() ? Integer.MAX_VALUE : best.size());
            if (!circle.isEmpty()) {
                best = circle;
            }
        }
        return best;
    }

    /** How a node was reached. */
    private record Reached(int edge, int from, int distance) {}

    /** The shortest way from a node back to it, if it is shorter than this; else empty. */
    private List<Integer> circle(int start, int shorterThan) {
        Map<Integer, Reached> reached = new HashMap<>();
        Deque<Integer> queue = new ArrayDeque<>();
        queue.add(start);
        while (!queue.isEmpty()) {
            int node = queue.remove();
            Reached here = reached.get(node);
            int distance = here == null ? 1 : here.distance() + 1;
            if (distance >= shorterThan) {
                return List.of();
            }
            for (int place = graph.first(node / 2); place < graph.last(node / 2); place++) {
                int edge = graph.edge(place);
                int next = follow(node, edge);
                if (next == NONE || component[next] != component[start] || reached.containsKey(next)) {
                    continue;
                }
                reached.put(next, new Reached(edge, node, distance));
                if (next == start) {
                    return way(start, reached);
                }
                queue.add(next);
            }
        }
        return List.of();
    }

    private static List<Integer> way(int start, Map<Integer, Reached> reached) {
        List<Integer> edges = new ArrayList<>();
        int node = start;
        do {
            Reached here = Objects.requireNonNull(reached.get(node));
            edges.add(here.edge());
            node = here.from();
        } while (node != start);
        Collections.reverse(edges);
        return edges;
    }
}
