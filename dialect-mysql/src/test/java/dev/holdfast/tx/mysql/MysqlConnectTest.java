package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** The dialect is found, and opens pools as it advises, by a URL alone. */
class MysqlConnectTest {
    static final List<Arguments> SERVERS = Stream.of(Servers.mysql(), Servers.mariadb())
            .flatMap(server -> Stream.of(JdbcDriver.values()).map(driver -> Arguments.of(server, driver)))
            .toList();

    @ParameterizedTest
    @FieldSource("SERVERS")
    void a_url_is_enough(TestServer server, JdbcDriver driver) throws Exception {
        ServerUrl url = new MysqlUnderTest(server, driver, Texts.TOGETHER).server();
        try (Transactor db = Holdfast.connect(driver.url(url), url.user(), url.password())) {
            assertThat(db.explain(TxOptions.none()))
                    .as("autocommit is off, so nothing begins a plain transaction")
                    .contains("begin:  (nothing)");
            assertThat(db.explain(TxOptions.of(Isolation.SERIALIZABLE).readOnly()))
                    .as("statements travel together")
                    .contains("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY; SAVEPOINT hf_root");
            Sql.update(db, "drop table if exists connected");
            Sql.update(db, "create table connected (id int primary key, v int)");
            try {
                db.execute(tx -> Sql.update(tx, "insert into connected values (1, 0)"));
                Sql.update(db, "insert into connected values (2, 0)");
                assertThat(Sql.ints(db, "select id from connected order by id")).containsExactly(1, 2);
            } finally {
                Sql.update(db, "drop table connected");
            }
        }
    }

    @ParameterizedTest
    @FieldSource("SERVERS")
    void what_the_url_says_wins(TestServer server, JdbcDriver driver) {
        ServerUrl url = new MysqlUnderTest(server, driver, Texts.TOGETHER).server();
        String oneByOne = driver.url(url) + "&allowMultiQueries=false";
        try (Transactor db = Holdfast.connect(oneByOne, url.user(), url.password())) {
            assertThat(db.explain(TxOptions.of(Isolation.SERIALIZABLE))).doesNotContain("; ");
        }
    }
}
