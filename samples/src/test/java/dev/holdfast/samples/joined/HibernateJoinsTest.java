package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.PersistenceException;
import jakarta.persistence.Table;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;
import javax.sql.DataSource;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.StatelessSession;
import org.hibernate.cfg.Configuration;
import org.hibernate.cfg.JdbcSettings;
import org.hibernate.cfg.TransactionSettings;
import org.hibernate.community.dialect.SQLiteDialect;
import org.hibernate.dialect.Dialect;
import org.hibernate.dialect.PostgreSQLDialect;
import org.hibernate.exception.ConstraintViolationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Hibernate takes the scope's connection, session by session: {@code withOptions().connection(tx.connection())}. The
 * session factory needs no connections of its own: with the dialect named and
 * {@code hibernate.boot.allow_jdbc_metadata_access} off it opens none.
 *
 * <p>A session has no transaction in Hibernate's eyes then, so two things are different. Changes are written by
 * {@code flush()} and by nothing else; and Hibernate lets it write at all only with
 * {@code hibernate.allow_update_outside_transaction}. Its own {@code beginTransaction()} can begin, because the
 * connection is off autocommit already, and cannot commit: that is refused.
 */
class HibernateJoinsTest extends JoinContract {
    private static final Map<JoinedDatabase, SessionFactory> FACTORIES = new EnumMap<>(JoinedDatabase.class);

    /** The entity. */
    @Entity(name = "Item")
    @Table(name = "item")
    static class Item {
        @Id
        long id;

        String name;

        protected Item() {
            this(0, "");
        }

        Item(long id, String name) {
            this.id = id;
            this.name = name;
        }
    }

    @AfterAll
    static void closeFactories() {
        FACTORIES.values().forEach(SessionFactory::close);
        FACTORIES.clear();
    }

    private SessionFactory factory() {
        return FACTORIES.computeIfAbsent(database, key -> settings().buildSessionFactory());
    }

    private Configuration settings() {
        return new Configuration()
                .addAnnotatedClass(Item.class)
                .setProperty(JdbcSettings.DIALECT, dialect().getName())
                .setProperty(JdbcSettings.ALLOW_METADATA_ON_BOOT, false)
                .setProperty(TransactionSettings.ALLOW_UPDATE_OUTSIDE_TRANSACTION, true);
    }

    private Class<? extends Dialect> dialect() {
        return switch (database) {
            case SQLITE -> SQLiteDialect.class;
            case POSTGRESQL -> PostgreSQLDialect.class;
        };
    }

    private Session session(Connection connection) {
        return factory().withOptions().connection(connection).openSession();
    }

    @Override
    void insert(DataSource source, long id, String name) throws SQLException {
        try (Connection connection = source.getConnection();
                Session session = session(connection)) {
            session.persist(new Item(id, name));
            session.flush();
        }
    }

    @Override
    long count(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection();
                Session session = session(connection)) {
            return session.createSelectionQuery("select count(*) from Item", Long.class)
                    .getSingleResult();
        }
    }

    @Override
    void insertAndCommit(DataSource source, long id, String name) throws SQLException {
        try (Connection connection = source.getConnection();
                Session session = session(connection)) {
            session.beginTransaction();
            session.persist(new Item(id, name));
            session.getTransaction().commit();
        }
    }

    @Override
    void insertAndRollBack(DataSource source, long id, String name) throws SQLException {
        try (Connection connection = source.getConnection();
                Session session = session(connection)) {
            session.beginTransaction();
            session.persist(new Item(id, name));
            session.flush();
            session.getTransaction().rollback();
        }
    }

    @Override
    Class<? extends Exception> uniqueViolation() {
        return PersistenceException.class;
    }

    @Test
    void onTheScopesOwnConnection_itsSessionClosesNothing() throws Exception {
        db.execute(tx -> {
            try (Session session = session(tx.connection())) {
                session.persist(new Item(1, "anchor"));
                session.flush();
            }
            assertThat(tx.connection().isClosed()).isFalse();
            assertThat(rows()).isZero();
        });

        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void withoutFlush_nothingIsWritten() throws Exception {
        db.execute(tx -> {
            try (Session session = session(tx.connection())) {
                session.persist(new Item(1, "anchor"));
            }
        });

        assertThat(rows()).isZero();
    }

    @Test
    void aFlushBeforeCommit_writesWhatTheBodyHasChanged() throws Exception {
        db.execute(tx -> {
            Session session = session(tx.connection());
            tx.beforeCommit(session::flush);
            tx.afterCompletion(outcome -> session.close());
            session.persist(new Item(1, "anchor"));
        });

        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void aStatelessSession_writesAtOnce() throws Exception {
        db.execute(tx -> {
            try (StatelessSession session = factory().openStatelessSession(tx.connection())) {
                session.insert(new Item(1, "anchor"));
            }
        });

        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void onPostgresql_aDuplicateIsAConstraintViolation() throws SQLException {
        insert(db.asDataSource(), 1, "anchor");

        Class<? extends Exception> expected =
                database == JoinedDatabase.POSTGRESQL ? ConstraintViolationException.class : PersistenceException.class;
        assertThatThrownBy(() -> db.execute(tx -> insert(tx.asDataSource(), 2, "anchor")))
                .isInstanceOf(expected);
    }

    @Test
    void aFactoryOnTheTransactorsDataSource_joinsWhateverRuns() throws Exception {
        Configuration settings = settings();
        settings.getProperties().put(JdbcSettings.JAKARTA_NON_JTA_DATASOURCE, db.asDataSource());
        try (SessionFactory factory = settings.buildSessionFactory()) {
            db.execute(tx -> {
                try (Session session = factory.openSession()) {
                    session.persist(new Item(1, "anchor"));
                    session.flush();
                }
                assertThat(rows()).isZero();
            });
        }

        assertThat(rows()).isEqualTo(1);
    }
}
