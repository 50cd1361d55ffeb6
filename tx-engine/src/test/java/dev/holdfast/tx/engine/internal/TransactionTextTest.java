package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.TxStateException;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class TransactionTextTest {
    private static Stream<DynamicTest> refused(String... texts) {
        return Stream.of(texts)
                .map(sql -> dynamicTest(
                        "refused: " + sql,
                        () -> assertThatThrownBy(() -> TransactionText.refuse(sql))
                                .isInstanceOf(SQLException.class)
                                .hasCauseInstanceOf(TxStateException.class)
                                .hasMessageContaining("was not sent")));
    }

    private static Stream<DynamicTest> passes(String... texts) {
        return Stream.of(texts)
                .map(sql -> dynamicTest(
                        "passes: " + sql,
                        () -> assertThatCode(() -> TransactionText.refuse(sql)).doesNotThrowAnyException()));
    }

    @TestFactory
    Stream<DynamicTest> what_ends_a_transaction_is_refused() {
        return refused(
                "COMMIT",
                "COMMIT WORK",
                "COMMIT AND CHAIN",
                "COMMIT PREPARED 'x'",
                "COMMIT TRANSACTION",
                "ROLLBACK",
                "ROLLBACK TO SAVEPOINT a",
                "ABORT",
                "END",
                "END TRANSACTION",
                "END WORK",
                "END AND CHAIN",
                "PREPARE TRANSACTION 'x'",
                "XA START 'x'",
                "XA END 'x'");
    }

    @TestFactory
    Stream<DynamicTest> what_begins_a_transaction_is_refused() {
        return refused(
                "BEGIN",
                "BEGIN TRANSACTION",
                "BEGIN WORK",
                "BEGIN TRAN",
                "BEGIN DISTRIBUTED TRAN",
                "BEGIN DEFERRED",
                "BEGIN IMMEDIATE",
                "BEGIN EXCLUSIVE TRANSACTION",
                "BEGIN CONCURRENT",
                "BEGIN ISOLATION LEVEL SERIALIZABLE",
                "BEGIN READ ONLY",
                "START TRANSACTION",
                "START TRANSACTION READ ONLY");
    }

    @TestFactory
    Stream<DynamicTest> savepoints_and_settings_of_transactions_are_refused() {
        return refused(
                "SAVEPOINT a",
                "RELEASE SAVEPOINT a",
                "RELEASE a",
                "SAVE TRAN a",
                "SAVE TRANSACTION a",
                "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                "SET autocommit = 1",
                "SET IMPLICIT_TRANSACTIONS ON");
    }

    @TestFactory
    Stream<DynamicTest> the_first_word_is_found_behind_blanks_comments_and_punctuation() {
        return refused(
                "commit",
                "CoMmIt",
                "  \t\r\n commit",
                "commit;",
                "commit--",
                "commit/* now */work",
                ";commit",
                ";;; commit",
                "(commit)",
                "-- a comment\ncommit",
                "-- commit later\n-- and now\ncommit",
                "# a comment of MySQL\ncommit",
                "/* a comment */commit",
                "/* one *//* two */ ; commit",
                "/**/commit",
                "begin /* what follows */ -- here\n transaction",
                "begin -- nothing follows",
                "set\ttransaction read only");
    }

    @TestFactory
    Stream<DynamicTest> a_semicolon_ends_the_statement_whose_words_are_looked_at() {
        return refused("begin;", "begin; select 1", "end;", "end; delete from t", "end ; ; select 1");
    }

    @TestFactory
    Stream<DynamicTest> words_that_begin_like_those_pass() {
        return passes(
                "COMMITMENT",
                "commit_log",
                "COMMITS",
                "rollback2",
                "BEGINNING",
                "ENDED",
                "STARTING transaction",
                "SETTINGS",
                "set_transaction()",
                "XACT",
                "ABORTED",
                "saves tran");
    }

    @TestFactory
    Stream<DynamicTest> statements_that_share_a_first_word_pass() {
        return passes(
                "BEGIN TRY SELECT 1 END TRY BEGIN CATCH END CATCH",
                "BEGIN NOT ATOMIC SELECT 1; END",
                "BEGIN SELECT 1 END",
                "BEGIN ATOMIC",
                "END IF",
                "START SLAVE",
                "START REPLICA",
                "START GROUP_REPLICATION",
                "SET search_path TO x",
                "SET @a = 1",
                "SET LOCAL lock_timeout = 1",
                "SET CONSTRAINTS ALL DEFERRED",
                "PREPARE s AS SELECT 1",
                "PREPARE s FROM 'SELECT 1'",
                "SAVE x");
    }

    @TestFactory
    Stream<DynamicTest> the_words_pass_where_they_are_not_the_first() {
        return passes(
                "select 'commit'",
                "insert into log values ('rollback')",
                "update commit set a = 1",
                "select 1 -- commit",
                "/* commit */ select 1",
                "explain select 1",
                "\"commit\"",
                "{call commit()}",
                "{? = call f()}",
                "/* never closed commit",
                "-- nothing but a comment",
                "",
                " ; ");
    }

    @Test
    void a_long_text_is_cut_in_the_refusal() {
        Throwable refusal = catchThrowable(() -> TransactionText.refuse("commit " + "x".repeat(1_000)));
        assertThat(refusal).message().hasSizeLessThan(400).contains("…");
    }

    @TestFactory
    Stream<DynamicTest> what_defines_or_grants_something_is_told_from_the_rest() {
        return Stream.concat(
                Stream.of(
                                "create table t (id int)",
                                " /* so */ DROP TABLE t",
                                "-- now\nalter table t add v int",
                                "TRUNCATE t",
                                "rename table t to u",
                                "GRANT select ON t TO u",
                                "revoke all on t from u",
                                "comment on table t is 'x'")
                        .map(sql -> dynamicTest(
                                "defines: " + sql,
                                () -> assertThat(TransactionText.defines(sql)).isTrue())),
                Stream.of(
                                "select created from t",
                                "insert into t values (1)",
                                "created",
                                "with x as (select 1) select 1",
                                "")
                        .map(sql -> dynamicTest(
                                "defines nothing: " + sql,
                                () -> assertThat(TransactionText.defines(sql)).isFalse())));
    }
}
