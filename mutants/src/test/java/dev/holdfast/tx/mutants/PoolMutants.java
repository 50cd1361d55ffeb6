package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Engines that deal wrongly with what they are given: a pool, and listeners. */
final class PoolMutants {
    private PoolMutants() {}

    static List<Mutant> all() {
        return List.of(
                new Mutant(
                        "M92",
                        "a connection that is broken is given back to its pool",
                        "SQLite",
                        () -> Databases.sqlite().withSetup(PoolMutants::keeping),
                        "TRP-08",
                        "what became of the connections: expected [THROWN_AWAY], but saw"),
                new Mutant(
                        "M93",
                        "listeners are told everything twice",
                        "SQLite",
                        () -> Databases.sqlite().withSetup(PoolMutants::tellingTwice),
                        "HOK-11",
                        "events: expected [Begun case, Ended case Committed, Begun null,"),
                new Mutant(
                        "M94",
                        "what a listener throws is thrown at the caller",
                        "SQLite",
                        PoolMutants::loud,
                        "HOK-12",
                        "planned by the case"),
                new Mutant(
                        "M128",
                        "the warnings of one transaction are kept for the next",
                        "SQLite",
                        () -> Databases.sqlite().withSetup(PoolMutants::warning),
                        "HYG-08b",
                        "the warning that the next transaction sees: expected null, but saw java.sql.SQLWarning"));
    }

    private static EngineSetup keeping(EngineSetup setup) {
        DataSource pool = JdbcProxy.of(DataSource.class, "keeps what is broken", (self, method, arguments) -> {
            Object made = JdbcProxy.call(setup.dataSource(), method, arguments);
            return made instanceof Connection connection ? kept(connection) : made;
        });
        return new EngineSetup(pool, setup.options(), setup.ambient(), setup.listeners());
    }

    private static Connection kept(Connection good) {
        return JdbcProxy.of(Connection.class, "kept", (self, method, arguments) -> switch (method.getName()) {
            case "abort" -> null;
            case "isWrapperFor" ->
                arguments[0] != Connection.class && Boolean.TRUE.equals(JdbcProxy.call(good, method, arguments));
            default -> JdbcProxy.call(good, method, arguments);
        });
    }

    private static EngineSetup warning(EngineSetup setup) {
        AtomicReference<@Nullable Object> seen = new AtomicReference<>();
        DataSource pool = JdbcProxy.of(DataSource.class, "keeps warnings", (self, method, arguments) -> {
            Object made = JdbcProxy.call(setup.dataSource(), method, arguments);
            return made instanceof Connection connection ? warning(connection, seen) : made;
        });
        return new EngineSetup(pool, setup.options(), setup.ambient(), setup.listeners());
    }

    private static Connection warning(Connection good, AtomicReference<@Nullable Object> seen) {
        return JdbcProxy.of(Connection.class, "keeps warnings", (self, method, arguments) -> {
            Object made = JdbcProxy.call(good, method, arguments);
            if (!method.getName().equals("getWarnings")) {
                return made;
            }
            return seen.updateAndGet(before -> made == null ? before : made);
        });
    }

    private static EngineSetup tellingTwice(EngineSetup setup) {
        List<TxListener> twice = new ArrayList<>(setup.listeners());
        twice.addAll(setup.listeners());
        return new EngineSetup(setup.dataSource(), setup.options(), setup.ambient(), twice);
    }

    private static Database loud() {
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        return Databases.sqlite()
                .withSetup(setup -> new EngineSetup(
                        setup.dataSource(),
                        setup.options(),
                        setup.ambient(),
                        setup.listeners().stream()
                                .<TxListener>map(listener -> event -> {
                                    try {
                                        listener.on(event);
                                    } catch (Throwable e) {
                                        thrown.set(e);
                                        throw e;
                                    }
                                })
                                .toList()))
                .withEngine(engine -> loud(engine, thrown));
    }

    private static Transactor loud(Transactor engine, AtomicReference<@Nullable Throwable> thrown) {
        UnaryOperator<Transactor> again = other -> loud(other, thrown);
        return new BrokenTransactor(engine, again) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                T result = super.transact(options, body);
                Throwable told = thrown.get();
                if (told != null) {
                    throw Facts.<RuntimeException>sneaky(told);
                }
                return result;
            }
        };
    }
}
