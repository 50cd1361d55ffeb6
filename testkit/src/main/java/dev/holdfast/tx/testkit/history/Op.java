package dev.holdfast.tx.testkit.history;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One read or write of a transaction. Immutable. A register holds one number; a list is only appended to. Both start
 * empty: a register as {@value #INITIAL}, a list without elements.
 */
public final class Op {
    /** What a register holds before anything was written; no transaction writes it. */
    public static final int INITIAL = 0;

    /** What an operation does. */
    public enum Kind {
        /** Reads a register. */
        READ("r"),
        /** Writes a register. */
        WRITE("w"),
        /** Reads a list. */
        READ_LIST("l"),
        /** Appends to a list. */
        APPEND("a");

        private final String letter;

        Kind(String letter) {
            this.letter = letter;
        }

        String letter() {
            return letter;
        }
    }

    private static final int[] NONE = {};

    private final Kind kind;
    private final int key;
    private final int value;
    private final int[] list;

    private Op(Kind kind, int key, int value, int[] list) {
        this.kind = kind;
        this.key = key;
        this.value = value;
        this.list = list;
    }

    /** This register was read, and held this. */
    public static Op read(int key, int value) {
        return new Op(Kind.READ, key, value, NONE);
    }

    /** This was to be written to this register; whether it was is up to the transaction. */
    public static Op write(int key, int value) {
        return new Op(Kind.WRITE, key, written(value), NONE);
    }

    /** This list was read, and held these. */
    public static Op readList(int key, int... elements) {
        int last = elements.length == 0 ? INITIAL : elements[elements.length - 1];
        return new Op(Kind.READ_LIST, key, last, elements.clone());
    }

    /** This was to be appended to this list; whether it was is up to the transaction. */
    public static Op append(int key, int value) {
        return new Op(Kind.APPEND, key, written(value), NONE);
    }

    private static int written(int value) {
        if (value == INITIAL) {
            throw new IllegalArgumentException(INITIAL + " is what was there before");
        }
        return value;
    }

    /** What it does. */
    public Kind kind() {
        return kind;
    }

    /** What it reads or writes. */
    public int key() {
        return key;
    }

    /** The number read or written; of a list that was read the last element, {@value #INITIAL} if it has none. */
    public int value() {
        return value;
    }

    /** Whether it reads. */
    public boolean isRead() {
        return kind == Kind.READ || kind == Kind.READ_LIST;
    }

    /** Of a list that was read, how many elements it had. */
    public int size() {
        return list.length;
    }

    /** Of a list that was read, one element. */
    public int element(int index) {
        return list[index];
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Op that
                && kind == that.kind
                && key == that.key
                && value == that.value
                && Arrays.equals(list, that.list);
    }

    @Override
    public int hashCode() {
        return (kind.hashCode() * 31 + key) * 31 + value;
    }

    /** As a person reads it: {@code read 5=17}, {@code append 5+18}. */
    @Override
    public String toString() {
        return switch (kind) {
            case READ -> "read " + key + "=" + value;
            case WRITE -> "write " + key + "=" + value;
            case READ_LIST -> "read " + key + "=" + Arrays.toString(list);
            case APPEND -> "append " + key + "+" + value;
        };
    }
}
