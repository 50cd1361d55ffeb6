package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * The folder of one server: its data and its log.
 *
 * <p>A record is kept of it, a file that names the folder and that this JVM holds a lock on. The lock goes when the JVM goes,
 * however it ends, so a record without one is of a server that was left behind. The server's pid is where the server
 * writes it: PostgreSQL into its data, in {@code postmaster.pid}, others into {@link #pidFile()}.
 */
final class ServerFolder implements AutoCloseable {
    private static final long ENOUGH_MEMORY = 1L << 30;
    private static final long END_LIMIT_SECONDS = 5;
    // closing a file gives up every lock that this JVM has on it, so our own records must not be opened to look at them
    private static final Set<Path> OWN_RECORDS = new HashSet<>();

    private final Path folder;
    private final Path record;
    private final FileChannel lock;

    private ServerFolder(Path folder, Path record, FileChannel lock) {
        this.folder = folder;
        this.record = record;
        this.lock = lock;
    }

    /** Makes a folder, after ending the servers that were left behind. */
    static synchronized ServerFolder create(String server) throws IOException {
        Path records = records();
        // no other JVM may come upon the record before it is locked
        try (FileChannel guard = FileChannel.open(records.resolve("guard"), CREATE, WRITE)) {
            guard.lock();
            endLeftBehind(records);
            Path folder = Files.createTempDirectory(base(), "holdfast-" + server + "-");
            Path record = Files.createTempFile(records, server + "-", ".record");
            FileChannel lock = FileChannel.open(record, WRITE);
            lock.lock();
            lock.write(UTF_8.encode("%s%nstarted %s by process %d%n"
                    .formatted(folder, Instant.now(), ProcessHandle.current().pid())));
            OWN_RECORDS.add(record);
            return new ServerFolder(folder, record, lock);
        }
    }

    /** Where the binaries of all servers are unpacked, to stay. */
    static Path programs() throws IOException {
        return Files.createDirectories(records().resolve("programs"));
    }

    Path data() {
        return data(folder);
    }

    Path logFile() {
        return folder.resolve("server.log");
    }

    /** Where a server is told to write its pid, if it has no place of its own for it. */
    Path pidFile() {
        return pidFile(folder);
    }

    String log() throws IOException {
        return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    }

    /** Deletes the folder; its server has ended. */
    @Override
    public void close() throws IOException {
        synchronized (ServerFolder.class) {
            delete(folder);
            Files.deleteIfExists(record);
            lock.close();
            OWN_RECORDS.remove(record);
        }
    }

    private static Path data(Path folder) {
        return folder.resolve("data");
    }

    private static Path pidFile(Path folder) {
        return folder.resolve("server.pid");
    }

    private static Path records() throws IOException {
        // a folder for each user: nobody can end another's servers, nor should read where they are
        return Files.createDirectories(
                Path.of(System.getProperty("java.io.tmpdir"), "holdfast-servers-" + System.getProperty("user.name")));
    }

    /** In memory where there is enough of it: starting and writing are several times faster. */
    private static Path base() throws IOException {
        Path memory = Path.of("/dev/shm");
        boolean enough = Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > ENOUGH_MEMORY;
        return enough ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static void endLeftBehind(Path records) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(records, "*.record")) {
            for (Path record : all) {
                if (!OWN_RECORDS.contains(record)) {
                    endIfLeftBehind(record);
                }
            }
        }
    }

    private static void endIfLeftBehind(Path record) throws IOException {
        try (FileChannel channel = FileChannel.open(record, READ, WRITE)) {
            if (channel.tryLock() == null) {
                return;
            }
            Optional<String> folder = Files.readAllLines(record).stream().findFirst();
            if (folder.isPresent()) {
                endServer(Path.of(folder.get()));
                delete(Path.of(folder.get()));
            }
            Files.delete(record);
        } catch (NoSuchFileException ended) {
            return; // by its own JVM, since the records were listed
        }
    }

    private static void endServer(Path folder) throws IOException {
        // breaks off what the sessions do; TERM would wait for sessions whose client is gone but who don't know it
        endServer(folder, data(folder).resolve("postmaster.pid"), "-INT");
        endServer(folder, pidFile(folder), "-TERM");
    }

    private static void endServer(Path folder, Path pidFile, String signal) throws IOException {
        if (Files.exists(pidFile)) {
            long pid = Long.parseLong(Files.readAllLines(pidFile).get(0).trim());
            Optional<ProcessHandle> server = ProcessHandle.of(pid).filter(process -> isServerIn(folder, process));
            if (server.isPresent()) {
                end(server.get(), signal);
            }
        }
    }

    /** Guards against a pid that has gone to another process since. */
    private static boolean isServerIn(Path folder, ProcessHandle process) {
        return process.info().commandLine().orElse("").contains(folder.toString());
    }

    private static void end(ProcessHandle server, String signal) throws IOException {
        List<ProcessHandle> sessions = server.descendants().toList();
        new ProcessBuilder("kill", signal, Long.toString(server.pid())).start();
        try {
            server.onExit().get(END_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            sessions.forEach(ProcessHandle::destroyForcibly);
            server.destroyForcibly();
            server.onExit().join();
        }
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
