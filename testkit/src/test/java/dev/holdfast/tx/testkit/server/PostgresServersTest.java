package dev.holdfast.tx.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PostgresServersTest {
    @Test
    void user_and_password_are_read_off_the_url() {
        String url = "jdbc:postgresql://db:5432/x?ssl=true&password=s%26t&user=me";

        assertThat(PostgresServers.parse(url)).isEqualTo(new ServerUrl(url, "me", "s&t"));
    }

    @Test
    void a_url_without_user_and_password_gives_empty_ones() {
        String url = "jdbc:postgresql://db/x";

        assertThat(PostgresServers.parse(url)).isEqualTo(new ServerUrl(url, "", ""));
    }
}
