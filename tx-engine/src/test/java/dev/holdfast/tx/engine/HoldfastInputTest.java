package dev.holdfast.tx.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.TxUnsupportedException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input to the entry, in a module without any dialect. */
class HoldfastInputTest {
    @ParameterizedTest
    @ValueSource(strings = {"", " ", "postgresql://host/db", "jdbc:", "jdbc::x", "http://localhost", "jdbc sqlite:x"})
    void connect_aMalformedUrl_saysWhatOneLooksLike(String url) {
        assertThatThrownBy(() -> Holdfast.connect(url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not a JDBC URL")
                .hasMessageContaining("jdbc:postgresql://host/database");
    }

    @ParameterizedTest
    @CsvSource({
        "jdbc:postgresql://h/db, dev.holdfast:dialect-postgres",
        "jdbc:mysql://h/db, dev.holdfast:dialect-mysql",
        "jdbc:mariadb://h/db, dev.holdfast:dialect-mysql",
        "jdbc:sqlserver://h, dev.holdfast:dialect-mssql",
        "jdbc:sqlite:file.db, dev.holdfast:dialect-sqlite",
        "jdbc:duckdb:x, writing-a-dialect.md",
    })
    void connect_withoutTheDialect_namesTheArtifactToAdd(String url, String artifact) {
        assertThatThrownBy(() -> Holdfast.connect(url))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining(artifact)
                .hasMessageContaining("found: none");
    }

    @Test
    void connect_aUrlWithAPassword_doesNotRepeatIt() {
        assertThatThrownBy(() -> Holdfast.connect("jdbc:postgresql://ann:secret1@h/db?password=secret2"))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageNotContaining("secret1")
                .hasMessageNotContaining("secret2");
    }

    @Test
    void patience_ofZero_isRefused() {
        assertThatThrownBy(() -> Holdfast.builder("jdbc:sqlite:x").patience(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("longer than zero");
    }

    @Test
    void dialects_withoutAny_isEmpty() {
        assertThat(Holdfast.dialects()).isEmpty();
    }
}
