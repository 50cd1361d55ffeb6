package dev.holdfast.tx.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgramsTest {
    /** In the folder of all servers, so of a name that no other run has. */
    private final String name = "server-" + UUID.randomUUID();

    private final List<Path> brought = new ArrayList<>();

    @AfterEach
    void nothing_stays() throws IOException {
        System.clearProperty(TestServer.FETCH_PROPERTY);
        ServerFolder.delete(ServerFolder.programs().resolve(name));
        Files.deleteIfExists(ServerFolder.programs().resolve(name + ".lock"));
    }

    @Test
    void nothing_is_fetched_where_that_is_forbidden() throws IOException {
        System.setProperty(TestServer.FETCH_PROPERTY, "false");

        assertThat(programs("1.").obstacle())
                .isEqualTo("holdfast.fetch is false, and " + name + " was not fetched to "
                        + ServerFolder.programs().resolve(name) + " before");
        assertThat(brought).isEmpty();
    }

    @Test
    void what_does_not_come_off_is_told_and_not_tried_again() {
        Programs broken = programs("1.", "exit 1");

        assertThat(broken.obstacle()).contains("version").contains("failed").contains("ld.so is not amused");
        assertThat(programs("1.").obstacle()).isEqualTo(broken.obstacle());
        assertThat(brought).hasSize(1);
    }

    @Test
    void another_version_than_the_wanted_one_is_not_taken() {
        assertThat(programs("2.").obstacle())
                .contains("what can be fetched for " + name + " is another version by now")
                .contains("Ver 1.5");
    }

    @Test
    void the_programs_and_an_empty_data_folder_stay() throws IOException {
        assertThat(programs("1.").obstacle()).isNull();

        Path home = ServerFolder.programs().resolve(name);
        assertThat(brought).containsExactly(home);
        assertThat(home.resolve("complete")).exists();
        assertThat(home.resolve("data")).isDirectory();
    }

    private Programs programs(String version) {
        return programs(version, "exit 0");
    }

    /** Of a server that can only tell its version. */
    private Programs programs(String version, String end) {
        return new Programs(name, version, home -> {
            brought.add(home);
            Path program = Files.createDirectory(home.resolve("bin")).resolve("mysqld");
            Files.writeString(program, "#!/bin/sh\necho 'mysqld Ver 1.5'\necho 'ld.so is not amused'\n" + end + "\n");
            assertThat(program.toFile().setExecutable(true)).isTrue();
        });
    }
}
