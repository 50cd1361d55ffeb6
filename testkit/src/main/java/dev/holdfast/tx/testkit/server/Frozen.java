package dev.holdfast.tx.testkit.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Stream;

/** Processes that are stopped where they are. What is sent to them waits until they go on. */
final class Frozen {
    private final List<ProcessHandle> all;

    private Frozen(List<ProcessHandle> all) {
        this.all = all;
    }

    /** Stops a process and those that it has started; itself first, or it would start others meanwhile. */
    static Frozen of(ProcessHandle server) {
        signal("-STOP", List.of(server));
        List<ProcessHandle> started = server.descendants().toList();
        if (!started.isEmpty()) {
            signal("-STOP", started);
        }
        return new Frozen(Stream.concat(Stream.of(server), started.stream()).toList());
    }

    void goOn() {
        signal("-CONT", all);
    }

    void kill() {
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(process -> process.onExit().join());
    }

    private static void signal(String signal, List<ProcessHandle> processes) {
        List<String> command = Stream.concat(
                        Stream.of("kill", signal), processes.stream().map(process -> Long.toString(process.pid())))
                .toList();
        try {
            new ProcessBuilder(command).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a server was signalled", e);
        }
    }
}
