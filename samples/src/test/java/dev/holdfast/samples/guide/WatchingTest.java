package dev.holdfast.samples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.testkit.server.TestServer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The examples of the guide to watching, on PostgreSQL. */
class WatchingTest {
    @Test
    void everyExampleIsCounted() throws Exception {
        Watching examples = new Watching();
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        try (Transactor db = examples.connect(TestServer.postgres(18).find().url(), registry, OpenTelemetry.noop())) {
            db.execute(tx -> {
                try (Statement statement = tx.connection().createStatement()) {
                    statement.execute("drop table if exists account");
                    statement.execute("create table account (id int primary key, balance bigint not null)");
                }
                new Accounts(tx).open(1, 1_000);
                new Accounts(tx).open(2, 0);
            });
            examples.labelInSql(db, 1, 2);
            examples.labelAsName(db, 1, 2);
            assertThat(new Accounts(db).balance(1)).isEqualTo(800);
        }
        assertThat(registry.get("holdfast.transaction.duration")
                        .tag("outcome", "committed")
                        .timer()
                        .count())
                .isEqualTo(3);
    }
}
