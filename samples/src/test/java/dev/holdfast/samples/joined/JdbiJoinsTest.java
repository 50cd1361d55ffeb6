package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;

import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.junit.jupiter.api.Test;

/**
 * Jdbi takes the scope as its data source. Its own {@code useTransaction} sees that a transaction runs already and joins
 * it; a commit said on the handle is refused.
 */
class JdbiJoinsTest extends JoinContract {
    @Override
    void insert(DataSource source, long id, String name) {
        Jdbi.create(source).useHandle(handle -> insert(handle, id, name));
    }

    private static void insert(Handle handle, long id, String name) {
        handle.execute("insert into item (id, name) values (?, ?)", id, name);
    }

    @Override
    long count(DataSource source) {
        return Jdbi.create(source)
                .withHandle(handle -> handle.createQuery("select count(*) from item")
                        .mapTo(Long.class)
                        .one());
    }

    @Override
    void insertAndCommit(DataSource source, long id, String name) {
        Jdbi.create(source).useHandle(handle -> {
            handle.begin();
            insert(handle, id, name);
            handle.commit();
        });
    }

    @Override
    void insertAndRollBack(DataSource source, long id, String name) {
        Jdbi.create(source).useHandle(handle -> {
            handle.begin();
            insert(handle, id, name);
            handle.rollback();
        });
    }

    @Override
    Class<? extends Exception> uniqueViolation() {
        return UnableToExecuteStatementException.class;
    }

    @Test
    void itsTransactionMethod_joinsTheScope() throws Exception {
        db.execute(tx -> {
            Jdbi.create(tx.asDataSource()).useTransaction(handle -> insert(handle, 1, "anchor"));
            assertThat(rows()).isZero();
        });

        assertThat(rows()).isEqualTo(1);
    }
}
