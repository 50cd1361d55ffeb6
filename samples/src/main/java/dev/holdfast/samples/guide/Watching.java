package dev.holdfast.samples.guide;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.micrometer.TxMeters;
import dev.holdfast.tx.opentelemetry.TxSpans;
import dev.holdfast.tx.postgres.PostgresOptions;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;

/** Seeing what transactions do. */
public final class Watching {
    /** Meters, spans and warnings. */
    public Transactor connect(String url, MeterRegistry registry, OpenTelemetry telemetry) {
        // region connect
        Transactor db = Holdfast.builder(url)
                .listener(TxMeters.in(registry, "postgresql", "shop"))
                .listener(TxSpans.by(telemetry, "postgresql", "shop"))
                .warnAfter(Duration.ofSeconds(30))
                .build();
        // endregion
        return db;
    }

    /** A label in each statement. */
    public void labelInSql(Transactor db, int alice, int bob) {
        // region sql
        TxOptions checkout = TxOptions.none().label("checkout").labelInSql();
        db.execute(checkout, tx -> new Accounts(tx).move(100, alice, bob));
        // endregion
    }

    /** A label that the server shows while the transaction runs. */
    public void labelAsName(Transactor db, int alice, int bob) {
        // region name
        TxOptions checkout = TxOptions.none().label("checkout").with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
        db.execute(checkout, tx -> new Accounts(tx).move(100, alice, bob));
        // endregion
    }
}
