package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TextEffect;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MysqlTextTest {
    private static void has(TextEffect effect, String sql) {
        assertThat(MysqlText.effectOf(sql, true)).as(sql).isEqualTo(effect);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select 1",
                "(select 1) union (select 2)",
                "insert into t values ('a; commit')",
                "update t set s = \"x\\\"; commit\" where id = 1",
                "delete from `a;commit`",
                "select 1 -- ; commit",
                "select 1 # ; commit",
                "select 1 /* ; commit */;",
                "create temporary table t (id int)",
                "create or replace temporary table t (id int)",
                "drop temporary table t",
                "drop prepare s",
                "set @x = 1, @autocommit = 0",
                "set global autocommit = 0",
                "set @@global.autocommit = 0",
                "set @old = @@autocommit",
                "set session transaction isolation level serializable",
                "set statement max_statement_time = 1 for select 1",
                "unlock tables",
                "load data infile 'x' into table t",
                "replace into t values (1)",
                "show tables",
                "use shop",
                "do 1",
                "analyze select 1",
                "analyze format=json update t set a = 1",
                "analyze delete from t",
                "set persist autocommit = 1",
                "set persist_only autocommit = 1",
                "set @@persist.autocommit = 1",
                "set @@persist_only.autocommit = 1",
                "set @@global.`autocommit` = 1",
                "set @`autocommit` = 1",
                "set role none",
                "xa recover",
                "xa recover convert xid",
                "select `commit`; select 1",
                "with x as (select 1) select * from x",
                "/* a */ # b\n -- c\n (select 1)",
                "/*!50000 select 1 */",
                "select /*!50000 ; */ 1",
                "insert into t values ('it\\'s; commit')",
                "analyzer",
                "",
                ";"
            })
    void leaves_the_transaction_open(String sql) {
        has(TextEffect.NONE, sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table t (id int)",
                "  /* now */ CREATE OR REPLACE view v as select 1",
                "-- first\ndrop table t",
                "alter table t add c int",
                "truncate t",
                "rename table a to b",
                "grant select on t to u",
                "revoke all on t from u",
                "analyze tables t",
                "analyze local table t",
                "analyze no_write_to_binlog table t",
                "analyze table t",
                "check table t",
                "optimize table t",
                "repair table t",
                "flush tables",
                "reset master",
                "lock tables t write",
                "cache index t in c",
                "load index into cache t",
                "set password = 'secret'",
                "set default role none to u",
                "start slave",
                "create procedure p() begin insert into t values (1); commit; end",
                "create or replace definer = `a`@`b` procedure p() begin commit; end",
                "create definer = current_user() trigger x before insert on t for each row begin select 1; commit; end",
                "create definer = a@localhost event e on schedule every 1 day do begin select 1; rollback; end",
                "alter event e do begin select 1; commit; end",
                "create aggregate function f() returns int begin select 1; commit; end",
                "create or replace package body k as procedure p() as begin select 1; commit; end; end",
                "/*!50003 create */ /*!50017 definer=`a`@`b` */ /*!50003 procedure p() begin select 1; commit; end */",
                "/*!999999 select */ drop table t",
                "start replica",
                "insert into t values (1); truncate t",
                "/*!50000 drop */ table t",
                "/*M! drop table t */",
                "set statement max_statement_time = 1 for drop table t"
            })
    void commits_by_itself(String sql) {
        has(TextEffect.COMMITS, sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "commit",
                "COMMIT AND CHAIN",
                "rollback to savepoint x",
                "savepoint x",
                "release savepoint x",
                "begin",
                "begin work",
                "start transaction read only",
                "xa start 'x'",
                "/*! commit */",
                "/*!80000 commit*/",
                "/*M!100100 commit */",
                "insert into t values (1); commit",
                "insert into t values ('it''s'); /*! commit */",
                "set autocommit = 1",
                "set @@autocommit=1",
                "set session autocommit := 1",
                "set @@session.autocommit = 1",
                "set local autocommit = 1",
                "set @x = 1, autocommit = 1",
                "set transaction read only",
                "set `autocommit` = 1",
                "set @@`autocommit`=1",
                "set @@session.`autocommit`:=1",
                "set `AUTOCOMMIT`=1",
                "set global max_connections = 9, autocommit = 1",
                "create table event (id int); commit",
                "create table procedure_log (id int); commit",
                "/*!999999 select */ commit",
                "/*M! select */ commit",
                "select 1 /*!50000 ; commit */",
                "xa commit 'x'",
                "  /* a */ (select 1); commit",
                "replace into t values (1); commit",
                "with x as (select 1) select 1; commit",
                "drop table t; commit"
            })
    void begins_or_ends_transactions(String sql) {
        has(TextEffect.CONTROLS, sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "call p()",
                "execute s",
                "begin not atomic select 1; end",
                "begin not atomic select 1; commit; end",
                "select 1; call p()",
                "{call p(?)}",
                "{ CALL p(?) }",
                "{? = call f()}",
                "/* a */ { -- b\n ? = /* c */ call f(?)}",
                "if 1 then select 1; commit; end if",
                "case 1 when 1 then select 1; commit; end case",
                "loop select 1; commit; end loop",
                "while 1 do select 1; commit; end while",
                "repeat select 1; commit; until 1 end repeat",
                "for i in 1..2 do select 1; commit; end for",
                "start all slaves"
            })
    void may_end_the_transaction(String sql) {
        has(TextEffect.MAY_END, sql);
    }

    @Test
    void a_backslash_is_what_the_sessions_take_it_for() {
        String ends = "insert into t values ('C:\\'); commit";
        assertThat(MysqlText.effectOf(ends, true)).isEqualTo(TextEffect.NONE);
        assertThat(MysqlText.effectOf(ends, false)).isEqualTo(TextEffect.CONTROLS);
        String goesOn = "insert into t values ('it\\'s; commit')";
        assertThat(MysqlText.effectOf(goesOn, true)).isEqualTo(TextEffect.NONE);

        MysqlDialect dialect = new MysqlDialect();
        Profile literal = Profiles.mysql()
                .says("sql_mode", "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES")
                .made();
        Profile escapes =
                Profiles.mysql().says("sql_mode", "STRICT_TRANS_TABLES").made();
        assertThat(dialect.effectOf(ends, literal)).isEqualTo(TextEffect.CONTROLS);
        assertThat(dialect.effectOf(ends, escapes)).isEqualTo(TextEffect.NONE);
        assertThat(dialect.effectOf(ends, dialect.typicalProfile())).isEqualTo(TextEffect.NONE);
    }
}
