package dev.holdfast.tx;

import java.util.Objects;
import java.util.function.Predicate;

/**
 * The key of one option, typed by its value. Dialects publish theirs as constants; two keys are the same only if they
 * are the same object.
 *
 * @param <T> the type of the value
 */
public final class TxOption<T> {
    private final String name;
    private final Class<T> type;
    private final Predicate<? super T> valid;

    private TxOption(String name, Class<T> type, Predicate<? super T> valid) {
        this.name = Objects.requireNonNull(name, "name");
        this.type = Objects.requireNonNull(type, "type");
        this.valid = Objects.requireNonNull(valid, "valid");
    }

    /**
     * A key for values of a type.
     *
     * @param name what errors and {@code explain} call it, such as {@code postgres.deferrable}
     */
    public static <T> TxOption<T> of(String name, Class<T> type) {
        return new TxOption<>(name, type, value -> true);
    }

    /** A key for those values of a type that pass a test. */
    public static <T> TxOption<T> of(String name, Class<T> type, Predicate<? super T> valid) {
        return new TxOption<>(name, type, valid);
    }

    /** What errors and {@code explain} call it. */
    public String name() {
        return name;
    }

    /** The type of its values. */
    public Class<T> type() {
        return type;
    }

    /**
     * Checks and returns the value.
     *
     * @throws IllegalArgumentException if the value is not of the type, or does not pass the test
     */
    T check(Object value) {
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException(
                    "Option " + name + " takes a " + type.getSimpleName() + ", not " + value);
        }
        T typed = type.cast(value);
        if (!valid.test(typed)) {
            throw new IllegalArgumentException("Option " + name + " cannot be " + value);
        }
        return typed;
    }

    @Override
    public String toString() {
        return name;
    }
}
