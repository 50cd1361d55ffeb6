package dev.holdfast.tx.testkit.history;

import java.util.Arrays;

/** From a key and a value of it to a number that is not negative; without boxes, because histories are long. */
final class LongIntMap {
    static final int ABSENT = -1;

    private long[] keys;
    private int[] values;
    private int size;

    /** With room for so many before it grows. */
    LongIntMap(int expected) {
        int slots = Integer.highestOneBit(Math.max(expected, 4)) * 4;
        keys = new long[slots];
        values = new int[slots];
        Arrays.fill(values, ABSENT);
    }

    /** The number; {@link #ABSENT} if there is none. */
    int get(int key, int value) {
        return values[slot(packed(key, value))];
    }

    /** Puts it; answers what was there. */
    int put(int key, int value, int number) {
        if (size * 2 >= keys.length) {
            grow();
        }
        long packed = packed(key, value);
        int slot = slot(packed);
        int before = values[slot];
        if (before == ABSENT) {
            keys[slot] = packed;
            size++;
        }
        values[slot] = number;
        return before;
    }

    private static long packed(int key, int value) {
        return ((long) key << 32) | (value & 0xffff_ffffL);
    }

    private int slot(long packed) {
        long mixed = packed * 0x9E37_79B9_7F4A_7C15L;
        int slot = (int) (mixed >>> 32) & (keys.length - 1);
        while (values[slot] != ABSENT && keys[slot] != packed) {
            slot = (slot + 1) & (keys.length - 1);
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new int[oldValues.length * 2];
        Arrays.fill(values, ABSENT);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != ABSENT) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}
