package dev.holdfast.tx.testkit.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** A PostgreSQL with a standby, made from a copy of the running primary's data. */
final class ReplicatedPostgres implements ReplicatedServer.Ways {
    private ReplicatedPostgres() {}

    static ReplicatedServer start(int major) {
        EmbeddedPostgresServer primary = EmbeddedPostgresServer.start(major);
        EmbeddedPostgresServer standby = standbyOf(primary, major);
        return new ReplicatedServer("PostgreSQL " + major, sent(primary), url(standby), new ReplicatedPostgres());
    }

    /** Two of the caller's own; the standby is synchronous. */
    static FailoverPair pair(int major) {
        try {
            EmbeddedPostgresServer primary = EmbeddedPostgresServer.startOwn(major);
            EmbeddedPostgresServer standby = standbyOf(primary, major);
            ReplicatedServer.tell(
                    url(primary),
                    List.of("alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"));
            FailoverPair.await(url(primary), "select count(*) from pg_stat_replication where sync_state = 'sync'", "1");
            String both = "jdbc:postgresql://localhost:%d,localhost:%d/postgres?user=%s&password=%s"
                            .formatted(primary.port(), standby.port(), primary.user(), primary.password())
                    + "&targetServerType=primary&options=-c%20synchronous_commit=on";
            return new FailoverPair("PostgreSQL " + major, both, url(primary), url(standby), ways(primary, standby));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL " + major + " has no synchronous standby", e);
        }
    }

    private static FailoverPair.Ways ways(EmbeddedPostgresServer primary, EmbeddedPostgresServer standby) {
        return new FailoverPair.Ways() {
            @Override
            public void kill() {
                primary.kill();
            }

            @Override
            public Frozen freeze() {
                return standby.freeze();
            }

            @Override
            public String waiting() {
                return "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
            }

            @Override
            public void cut() throws SQLException {
                FailoverPair.await(
                        url(primary),
                        "select count(*) from pg_stat_replication where sent_lsn >= pg_current_wal_flush_lsn()",
                        "1");
                ReplicatedServer.tell(
                        url(primary), List.of("select pg_terminate_backend(pid) from pg_stat_replication"));
                FailoverPair.await(url(primary), "select count(*) from pg_stat_replication", "0");
            }

            @Override
            public void awaitAllRead() throws SQLException {
                FailoverPair.await(url(standby), "select count(*) from pg_stat_wal_receiver", "0");
            }

            @Override
            public void promote() throws SQLException {
                String done = ReplicatedServer.ask(url(standby), "select pg_promote(true, 60)");
                if (!done.equals("t")) {
                    throw new IllegalStateException("The standby was not promoted within a minute");
                }
            }

            @Override
            public void close() {
                standby.endOwn();
                primary.endOwn();
            }
        };
    }

    private static EmbeddedPostgresServer standbyOf(EmbeddedPostgresServer primary, int major) {
        try {
            ServerFolder folder = ServerFolder.create("postgres-standby-" + major);
            copy(primary, major, folder.data());
            return EmbeddedPostgresServer.startOn(major, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException e) {
            throw new IllegalStateException("The data of PostgreSQL " + major + " could not be copied", e);
        }
    }

    /** Where commits wait for the log: what is not written yet is not sent to the standby either. */
    private static ServerUrl sent(EmbeddedPostgresServer server) {
        return new ServerUrl(server.url() + "&options=-c%20synchronous_commit=local", server.user(), server.password());
    }

    private static ServerUrl url(EmbeddedPostgresServer server) {
        return new ServerUrl(server.url(), server.user(), server.password());
    }

    /** As the manual says, Making a Non-Exclusive Low-Level Backup. */
    private static void copy(EmbeddedPostgresServer primary, int major, Path data) throws SQLException, IOException {
        String start = major < 15
                ? "select pg_start_backup('standby', true, false)"
                : "select pg_backup_start('standby', true)";
        String stop = major < 15
                ? "select labelfile from pg_stop_backup(false, false)"
                : "select labelfile from pg_backup_stop(false)";
        try (Connection session = DriverManager.getConnection(primary.url());
                Statement statement = session.createStatement()) {
            statement.execute(start);
            copyFiles(primary.data(), data);
            try (ResultSet label = statement.executeQuery(stop)) {
                label.next();
                Files.writeString(data.resolve("backup_label"), label.getString(1));
            }
        }
        Files.createFile(data.resolve("standby.signal"));
        Files.writeString(
                data.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=localhost port=%d user=%s'%n".formatted(primary.port(), primary.user()));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
    }

    /** Files may come and go meanwhile: what is in the log makes that right again. */
    private static void copyFiles(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(to.resolve(from.relativize(folder).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                String name = from.relativize(file).toString();
                if (!name.startsWith("postmaster.") && !name.startsWith("pg_wal/0")) {
                    try {
                        Files.copy(file, to.resolve(name));
                    } catch (NoSuchFileException gone) {
                        return FileVisitResult.CONTINUE;
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException error) throws IOException {
                if (error instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw error;
            }
        });
    }

    @Override
    public List<String> pause() {
        return List.of("select pg_wal_replay_pause()");
    }

    @Override
    public String isPaused() {
        return "select pg_get_wal_replay_pause_state() = 'paused'";
    }

    @Override
    public List<String> resume() {
        return List.of("select pg_wal_replay_resume()");
    }

    /** It has ended what it was doing when the statement has. */
    @Override
    public List<String> promote() {
        return List.of("select pg_promote(true, 60)");
    }

    @Override
    public List<String> delay(long seconds) {
        return List.of("alter system set recovery_min_apply_delay = '" + seconds + "s'", "select pg_reload_conf()");
    }
}
