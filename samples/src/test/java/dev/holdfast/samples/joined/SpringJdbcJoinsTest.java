package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.TxOptions;
import java.util.Objects;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Spring's JdbcTemplate takes the scope as its data source. Spring's own transactions are not to be used inside. */
class SpringJdbcJoinsTest extends JoinContract {
    @Override
    void insert(DataSource source, long id, String name) {
        new JdbcTemplate(source).update("insert into item (id, name) values (?, ?)", id, name);
    }

    @Override
    long count(DataSource source) {
        return Objects.requireNonNull(new JdbcTemplate(source).queryForObject("select count(*) from item", Long.class));
    }

    @Override
    void insertAndCommit(DataSource source, long id, String name) {
        transactionsOf(source).executeWithoutResult(status -> insert(source, id, name));
    }

    @Override
    void insertAndRollBack(DataSource source, long id, String name) {
        transactionsOf(source).executeWithoutResult(status -> {
            insert(source, id, name);
            status.setRollbackOnly();
        });
    }

    private static TransactionTemplate transactionsOf(DataSource source) {
        return new TransactionTemplate(new DataSourceTransactionManager(source));
    }

    @Override
    Class<? extends Exception> uniqueViolation() {
        return DataAccessException.class;
    }

    @Test
    void onPostgresql_aDuplicateIsADuplicateKeyException() {
        insert(db.asDataSource(), 1, "anchor");

        Class<? extends Exception> expected =
                database == JoinedDatabase.POSTGRESQL ? DuplicateKeyException.class : DataAccessException.class;
        assertThatThrownBy(() -> db.execute(tx -> insert(tx.asDataSource(), 2, "anchor")))
                .isInstanceOf(expected);
    }

    @Test
    void insideAReadOnlyScope_itReads() {
        insert(db.asDataSource(), 1, "anchor");

        long seen = db.transact(TxOptions.none().readOnly(), tx -> count(tx.asDataSource()));
        assertThat(seen).isEqualTo(1);
    }
}
