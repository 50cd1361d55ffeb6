package dev.holdfast.samples.firstscreen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.samples.guide.Recipes;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FirstScreenTest {
    private static final int ALICE = 1;
    private static final int BOB = 2;

    @TempDir
    private Path folder;

    private final List<Integer> told = new ArrayList<>();

    private enum Language {
        JAVA,
        KOTLIN;

        void move(String url, Mail mail) {
            if (this == JAVA) {
                FirstScreen.move(url, mail, ALICE, BOB);
            } else {
                FirstScreenInKotlin.move(url, mail, ALICE, BOB);
            }
        }
    }

    private String url() {
        return "jdbc:sqlite:" + folder.resolve("bank.db");
    }

    private void open(long alice) throws SQLException {
        try (Transactor db = Holdfast.connect(url())) {
            Recipes.createTable(db);
            new Accounts(db).open(ALICE, alice);
            new Accounts(db).open(BOB, 0);
        }
    }

    private long balance(int id) throws SQLException {
        try (Transactor db = Holdfast.connect(url())) {
            return new Accounts(db).balance(id);
        }
    }

    @ParameterizedTest
    @EnumSource
    void money_moves_and_the_payee_is_told(Language language) throws SQLException {
        open(150);
        language.move(url(), told::add);
        assertThat(balance(ALICE)).isEqualTo(50);
        assertThat(balance(BOB)).isEqualTo(100);
        assertThat(told).containsExactly(BOB);
    }

    @ParameterizedTest
    @EnumSource
    void without_enough_money_nothing_moves_and_nobody_is_told(Language language) throws SQLException {
        open(50);
        assertThatThrownBy(() -> language.move(url(), told::add)).isInstanceOf(SQLException.class);
        assertThat(balance(ALICE)).isEqualTo(50);
        assertThat(balance(BOB)).isZero();
        assertThat(told).isEmpty();
    }

    @Test
    void the_refusal_is_classified_without_a_vendor_code() throws SQLException {
        open(50);
        try (Transactor db = Holdfast.connect(url())) {
            assertThatThrownBy(() -> db.execute(tx -> new Accounts(tx).move(100, ALICE, BOB)))
                    .satisfies(error -> assertThat(db.classify(error))
                            .isNotNull()
                            .extracting(failure -> failure.kind())
                            .isEqualTo(FailureKind.CHECK));
        }
    }
}
