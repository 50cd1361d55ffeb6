package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Savepoints;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The messages of a dialect, each made once: the first savepoints of every transaction have the same names. */
final class RememberedSavepoints implements Savepoints {
    /** Of more savepoints than this in one transaction the messages are made each time. */
    private static final int REMEMBERED = 32;

    private static final String[] NAMES = new String[REMEMBERED];

    static {
        for (int i = 0; i < REMEMBERED; i++) {
            NAMES[i] = "hf_" + (i + 1);
        }
    }

    private final Savepoints dialects;
    private final Map<String, Message> sets = new ConcurrentHashMap<>();
    private final Map<String, Message> readOnlySets = new ConcurrentHashMap<>();
    private final Map<String, Message> rollbacks = new ConcurrentHashMap<>();
    private final Map<String, Message> releases = new ConcurrentHashMap<>();

    RememberedSavepoints(Savepoints dialects) {
        this.dialects = dialects;
    }

    /** The name of the n-th savepoint of a transaction, from 1. */
    static String name(int number) {
        return number <= REMEMBERED ? NAMES[number - 1] : "hf_" + number;
    }

    private static Message remembered(Map<String, Message> messages, String name, Function<String, Message> make) {
        Message known = messages.get(name);
        if (known == null) {
            known = make.apply(name);
            if (messages.size() < REMEMBERED) {
                messages.put(name, known);
            }
        }
        return known;
    }

    @Override
    public Message set(String name) {
        return remembered(sets, name, dialects::set);
    }

    @Override
    public Message setReadOnly(String name) {
        return remembered(readOnlySets, name, dialects::setReadOnly);
    }

    @Override
    public Message rollbackTo(String name) {
        return remembered(rollbacks, name, dialects::rollbackTo);
    }

    @Override
    public Message release(String name) {
        return remembered(releases, name, dialects::release);
    }
}
