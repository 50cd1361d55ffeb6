package dev.holdfast.tx.testkit.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What one transaction of a workload is to do, drawn from the seed and its number alone: two to four steps on a few keys
 * that many others use at the same time, and nobody later.
 *
 * @param number of the transaction, from 1
 * @param steps in order; in four of five plans by key, because locks taken in any order end in deadlocks
 * @param sorted whether the steps are in the order of their keys
 */
record Plan(int number, List<Step> steps, boolean sorted) {
    /** How many keys are in use at a time. */
    static final int HOT_KEYS = 6;

    /** After how many transactions the next keys come into use. */
    static final int WINDOW = 200;

    private static final int MOST_STEPS = 4;

    /**
     * One step.
     *
     * @param key what it reads or writes
     * @param value what it writes, if it does; nobody else writes it
     */
    record Step(int key, boolean reads, boolean writes, int value) {}

    /** The plan of a transaction. */
    static Plan of(long seed, Workload.Mode mode, int number) {
        SplittableRandom lots = new SplittableRandom(seed * 1_000_003 + number);
        int firstKey = keys(number - 1) - HOT_KEYS + 1;
        int count = 2 + lots.nextInt(MOST_STEPS - 1);
        List<Step> steps = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            boolean writes = lots.nextBoolean();
            boolean reads = mode == Workload.Mode.REGISTERS || !writes;
            steps.add(new Step(firstKey + lots.nextInt(HOT_KEYS), reads, writes, number * MOST_STEPS + i));
        }
        boolean sorted = lots.nextInt(5) != 0;
        if (sorted) {
            steps.sort(Comparator.comparingInt(Step::key));
        }
        return new Plan(number, List.copyOf(steps), sorted);
    }

    /** How many keys, from 1, are used by the transactions up to this number and one more. */
    static int keys(int number) {
        return (number / WINDOW + 1) * HOT_KEYS;
    }

    boolean isReadOnly() {
        return steps.stream().noneMatch(Step::writes);
    }
}
