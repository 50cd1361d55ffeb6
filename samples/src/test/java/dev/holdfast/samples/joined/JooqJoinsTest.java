package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.table;

import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.exception.DataAccessException;
import org.jooq.exception.IntegrityConstraintViolationException;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;

/** jOOQ takes the scope as its data source, or the scope's connection. */
class JooqJoinsTest extends JoinContract {
    private static final Table<Record> ITEM = table("item");
    private static final Field<Long> ID = field("id", Long.class);
    private static final Field<String> NAME = field("name", String.class);

    private DSLContext on(DataSource source) {
        return DSL.using(source, dialect());
    }

    private SQLDialect dialect() {
        return switch (database) {
            case SQLITE -> SQLDialect.SQLITE;
            case POSTGRESQL -> SQLDialect.POSTGRES;
        };
    }

    @Override
    void insert(DataSource source, long id, String name) {
        insert(on(source), id, name);
    }

    private static void insert(DSLContext jooq, long id, String name) {
        jooq.insertInto(ITEM, ID, NAME).values(id, name).execute();
    }

    @Override
    long count(DataSource source) {
        return on(source).fetchCount(ITEM);
    }

    @Override
    void insertAndCommit(DataSource source, long id, String name) {
        on(source).transaction(inside -> insert(inside.dsl(), id, name));
    }

    @Override
    void insertAndRollBack(DataSource source, long id, String name) {
        on(source).transaction(inside -> {
            insert(inside.dsl(), id, name);
            throw new OutOfStock();
        });
    }

    @Override
    Class<? extends Exception> uniqueViolation() {
        return DataAccessException.class;
    }

    @Test
    void onPostgresql_aDuplicateIsAnIntegrityConstraintViolation() {
        insert(db.asDataSource(), 1, "anchor");

        Class<? extends Exception> expected = database == JoinedDatabase.POSTGRESQL
                ? IntegrityConstraintViolationException.class
                : DataAccessException.class;
        assertThatThrownBy(() -> db.execute(tx -> insert(tx.asDataSource(), 2, "anchor")))
                .isInstanceOf(expected);
    }

    @Test
    void onTheScopesConnection_itJoinsAsWell() throws Exception {
        db.execute(tx -> {
            insert(DSL.using(tx.connection(), dialect()), 1, "anchor");
            assertThat(rows()).isZero();
        });

        assertThat(rows()).isEqualTo(1);
    }
}
