package dev.holdfast.tx.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

class DriverSessionsTest {
    private final DriverSessions sessions = DriverSessions.of("jdbc:nobody://host/db?password=s3cret", "me", "s3cret");

    @Test
    void a_url_that_no_driver_takes_is_told_without_its_secrets() {
        for (Throwable thrown : List.of(
                catchThrowableOfType(SQLException.class, sessions::getConnection),
                catchThrowableOfType(SQLException.class, () -> sessions.getConnection("me", "s3cret")))) {
            assertThat(thrown)
                    .hasMessage("No JDBC driver on the class path takes jdbc:nobody://host/db;"
                            + " add the driver's artifact to the tests");
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                assertThat(cause.toString()).doesNotContain("s3cret");
            }
        }
    }

    @Test
    void they_are_shown_without_their_secrets() {
        assertThat(sessions).hasToString("jdbc:nobody://host/db");
    }
}
