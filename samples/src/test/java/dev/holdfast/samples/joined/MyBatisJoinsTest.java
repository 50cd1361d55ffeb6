package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;

import javax.sql.DataSource;
import org.apache.ibatis.annotations.Insert;
import org.apache.ibatis.annotations.Param;
import org.apache.ibatis.annotations.Select;
import org.apache.ibatis.exceptions.PersistenceException;
import org.apache.ibatis.mapping.Environment;
import org.apache.ibatis.session.Configuration;
import org.apache.ibatis.session.SqlSession;
import org.apache.ibatis.session.SqlSessionFactory;
import org.apache.ibatis.session.SqlSessionFactoryBuilder;
import org.apache.ibatis.transaction.TransactionFactory;
import org.apache.ibatis.transaction.jdbc.JdbcTransactionFactory;
import org.apache.ibatis.transaction.managed.ManagedTransactionFactory;
import org.junit.jupiter.api.Test;

/**
 * MyBatis takes the scope as its data source, with the ManagedTransactionFactory: that is made for connections whose
 * transaction is another's, and leaves commit and rollback out. With the JdbcTransactionFactory a commit is refused.
 */
class MyBatisJoinsTest extends JoinContract {
    /** What MyBatis implements. */
    interface Items {
        @Insert("insert into item (id, name) values (#{id}, #{name})")
        void insert(@Param("id") long id, @Param("name") String name);

        @Select("select count(*) from item")
        long count();
    }

    private static SqlSessionFactory sessions(DataSource source, TransactionFactory transactions) {
        Configuration configuration = new Configuration(new Environment("joined", transactions, source));
        configuration.addMapper(Items.class);
        return new SqlSessionFactoryBuilder().build(configuration);
    }

    private static SqlSession managed(DataSource source) {
        return sessions(source, new ManagedTransactionFactory()).openSession();
    }

    private static SqlSession unmanaged(DataSource source) {
        return sessions(source, new JdbcTransactionFactory()).openSession();
    }

    @Override
    void insert(DataSource source, long id, String name) {
        try (SqlSession session = managed(source)) {
            session.getMapper(Items.class).insert(id, name);
        }
    }

    @Override
    long count(DataSource source) {
        try (SqlSession session = managed(source)) {
            return session.getMapper(Items.class).count();
        }
    }

    @Override
    void insertAndCommit(DataSource source, long id, String name) {
        try (SqlSession session = unmanaged(source)) {
            session.getMapper(Items.class).insert(id, name);
            session.commit();
        }
    }

    @Override
    void insertAndRollBack(DataSource source, long id, String name) {
        try (SqlSession session = unmanaged(source)) {
            session.getMapper(Items.class).insert(id, name);
            session.rollback();
        }
    }

    @Override
    Class<? extends Exception> uniqueViolation() {
        return PersistenceException.class;
    }

    @Test
    void aManagedSessionsCommit_leavesTheEndToTheScope() throws Exception {
        db.execute(tx -> {
            try (SqlSession session = managed(tx.asDataSource())) {
                session.getMapper(Items.class).insert(1, "anchor");
                session.commit();
            }
            assertThat(rows()).isZero();
        });

        assertThat(rows()).isEqualTo(1);
    }
}
