package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.handles;
import static dev.holdfast.tx.mutants.EngineMutants.postgres;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgConnection;
import org.sqlite.SQLiteConnection;

/** Engines whose handles and connections are not what they should be. */
final class HandleMutants {
    private HandleMutants() {}

    static List<Mutant> all() {
        return List.of(
                new Mutant(
                        "M28",
                        "a cancel that comes late is passed on, and hits the next statement of the connection",
                        "SQLite",
                        () -> Databases.sqlite()
                                .withSessions(LateCancels::of)
                                .withEngine(unguarded(LateCancels.Session.class)),
                        "CAN-04",
                        "interrupted"),
                sqlite(
                        "M45",
                        "a handle that was kept works on after the end",
                        HandleMutants::undead,
                        "LIF-10",
                        "expected a TxStateException, but saw"),
                sqlite(
                        "M46",
                        "a transaction that sends nothing takes a connection",
                        HandleMutants::eager,
                        "LIF-12",
                        "calls of the driver: expected [], but saw [1 c1 getConnection,"),
                postgres(
                        "M97",
                        "what the body sets in its session is its own business",
                        unguarded(PgConnection.class),
                        "HYG-02",
                        "complaints of the pool after the network timeout: expected [],"),
                sqlite(
                        "M59",
                        "bodies get the connection itself, without a guard",
                        unguarded(SQLiteConnection.class),
                        "TRP-23b",
                        "the cause of the refusal: expected class"),
                sqlite(
                        "M60",
                        "a lent connection is not known to the engine",
                        HandleMutants::unknownLoans,
                        "TRP-26",
                        "SQLException 25000/0: setAutoCommit(false) on a connection of"),
                sqlite(
                        "M151",
                        "a lock template that is wrong is sent without its places",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public String lock(RowLock lock, String template) {
                                try {
                                    return good.lock(lock, template);
                                } catch (IllegalArgumentException e) {
                                    return template.replaceAll("\\{[^}]*}", "");
                                }
                            }
                        }),
                        "LCK-29",
                        "expected a IllegalArgumentException, but saw null"),
                sqlite(
                        "M189",
                        "a statement that is answered after its cancel passes for done",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                                return good.withConnection(connection -> body.apply(forgiving(connection, good)));
                            }
                        }),
                        "CAN-03b",
                        "an error was expected, and none was raised"));
    }

    /** A connection whose updates change nothing where they were cancelled. */
    private static Connection forgiving(Connection connection, Tx tx) {
        return JdbcProxy.of(Connection.class, "forgiving", (self, method, arguments) -> {
            Object made = JdbcProxy.call(connection, method, arguments);
            return made instanceof PreparedStatement statement ? forgiving(statement, tx) : made;
        });
    }

    private static PreparedStatement forgiving(PreparedStatement statement, Tx tx) {
        return JdbcProxy.of(PreparedStatement.class, "forgiving", (self, method, arguments) -> {
            try {
                return JdbcProxy.call(statement, method, arguments);
            } catch (SQLException e) {
                Failure failure = method.getName().equals("executeUpdate") ? tx.classify(e) : null;
                if (failure != null && failure.kind() == FailureKind.CANCELLED) {
                    return 0;
                }
                throw e;
            }
        });
    }

    private static UnaryOperator<Transactor> unguarded(Class<? extends Connection> type) {
        return handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
            @Override
            public Connection connection() {
                return Unguarded.of(good.connection(), type);
            }

            @Override
            public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                return good.withConnection(connection -> body.apply(Unguarded.of(connection, type)));
            }
        });
    }

    private static Transactor undead(Transactor engine) {
        return new BrokenTransactor(engine, HandleMutants::undead) {
            @Override
            Tx handle(Tx tx) {
                return new BrokenTx(tx, this) {
                    @Override
                    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                        return tx.isActive() ? tx.withConnection(body) : engine.withConnection(body);
                    }
                };
            }

            @Override
            UnmanagedTx unmanaged(UnmanagedTx tx) {
                return new BrokenUnmanagedTx(tx, this) {
                    @Override
                    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                        return tx.isActive() ? tx.withConnection(body) : engine.withConnection(body);
                    }
                };
            }
        };
    }

    private static Transactor eager(Transactor engine) {
        return new BrokenTransactor(engine, HandleMutants::eager) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(options, tx -> body.apply(tx.open()));
            }
        };
    }

    private static Transactor unknownLoans(Transactor engine) {
        return new BrokenTransactor(engine, HandleMutants::unknownLoans) {
            @Override
            public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
                if (good.current() != null) {
                    return super.withConnection(body);
                }
                return good.withConnection(connection -> {
                    connection.unwrap(Connection.class).setAutoCommit(false);
                    return body.apply(connection);
                });
            }
        };
    }
}
