package dev.holdfast.tx.testkit.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A real MySQL or MariaDB that runs beside the tests, for as long as their JVM; there is at most one of a version with the
 * same options. It trades durability for speed. A server whose JVM was killed is ended by the next start in any JVM of the
 * same user.
 */
final class LocalServer implements Way {
    private static final long START_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(120);
    private static final int LOOK_MILLIS = 50;
    private static final String USER = "test";

    private static final Map<List<Object>, ServerUrl> RUNNING = new HashMap<>();

    private final Programs programs;
    private final String url;
    private final List<String> options;

    private LocalServer(Programs programs, String url, List<String> options) {
        this.programs = programs;
        this.url = url;
        this.options = List.copyOf(options);
    }

    /**
     * A server of the caller's own.
     *
     * @param process the server itself, and all of it
     */
    record Own(ServerUrl url, Process process, ServerFolder folder) {
        /** Ends it at once, as a power cut would, if it still runs; returns when it is gone. */
        void kill() {
            process.destroyForcibly().onExit().join();
        }

        /** Stops it where it is. */
        Frozen freeze() {
            return Frozen.of(process.toHandle());
        }

        /** Ends it, and deletes its data. */
        void end() {
            LocalServer.end(process, folder);
        }
    }

    /** Starts one of the caller's own; it ends with this JVM. */
    static Own own(Way way) {
        if (way instanceof LocalServer server) {
            return server.start();
        }
        throw new IllegalArgumentException(String.valueOf(way.obstacle()));
    }

    static Way mysql(String version, List<String> options) {
        String url =
                "jdbc:mysql://localhost:%d/test?user=test&password=test&sslMode=DISABLED&allowPublicKeyRetrieval=true";
        return way(Programs.mysql(version), "MySQL " + version, url, options);
    }

    static Way mariadb(String version, List<String> options) {
        String url = "jdbc:mariadb://localhost:%d/test?user=test&password=test&sslMode=disable";
        return way(Programs.mariadb(version), "MariaDB " + version, url, options);
    }

    private static Way way(@Nullable Programs programs, String server, String url, List<String> options) {
        return programs == null
                ? new NoWay(server + " is not one of those that run without a container")
                : new LocalServer(programs, url, options);
    }

    @Override
    public @Nullable String obstacle() {
        return programs.obstacle();
    }

    @Override
    public ServerUrl go() {
        synchronized (RUNNING) {
            return RUNNING.computeIfAbsent(List.of(programs.name(), options), any -> start().url());
        }
    }

    private Own start() {
        try {
            ServerFolder folder = ServerFolder.create(programs.name());
            int port = freePort();
            Process server = programs.start(folder, port, options);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server, folder), "end-" + programs.name()));
            awaitReady(server, folder, port);
            return new Own(new ServerUrl(url.formatted(port), USER, USER), server, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitReady(Process server, ServerFolder folder, int port) throws IOException {
        Pattern ready = Pattern.compile("ready for connections(?s:.*)port: " + port);
        long start = System.nanoTime();
        try {
            while (!ready.matcher(folder.log()).find()) {
                boolean ended = server.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (ended || System.nanoTime() - start > START_LIMIT_NANOS) {
                    server.destroyForcibly();
                    throw new IllegalStateException(
                            "%s does not start. Its log:%n%s".formatted(programs.name(), folder.log()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + programs.name() + " was starting", e);
        }
    }

    /** Nobody wants its data any more, so it need not end in good order. */
    private static void end(Process server, ServerFolder folder) {
        server.destroyForcibly().onExit().join();
        try {
            folder.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
