package dev.holdfast.tx.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.tx.testkit.Untested;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TestServerTest {
    private final List<String> gone = new ArrayList<>();

    @AfterEach
    void nothing_stays_set() {
        System.clearProperty(TestServer.REQUIRE_PROPERTY);
        System.clearProperty(TestServer.CONTAINERS_PROPERTY);
    }

    @Test
    void the_first_way_without_an_obstacle_is_gone() {
        TestServer server = server(way("a", "it is shut"), way("b", null), way("c", null));

        assertThat(server.find().url()).isEqualTo("b");
        assertThat(gone).containsExactly("b");
    }

    @Test
    void without_a_way_all_obstacles_are_told_and_tests_are_not_run() {
        TestServer server = server(way("a", "it is shut"), way("b", "it is far"));

        assertThatThrownBy(server::find)
                .isInstanceOf(Untested.class)
                .hasMessage("There is no Some Server 5 to test on:\n- it is shut\n- it is far");
    }

    @Test
    void a_server_that_is_required_and_missing_is_an_error() {
        System.setProperty(TestServer.REQUIRE_PROPERTY, "other, some");

        assertThatThrownBy(server(way("a", "it is shut"))::find)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("- it is shut")
                .hasMessageContaining("It is required, by holdfast.require");
    }

    @Test
    void a_server_that_is_not_the_required_one_may_be_missing() {
        System.setProperty(TestServer.REQUIRE_PROPERTY, "other,somewhat");

        assertThatThrownBy(server(way("a", "it is shut"))::find).isInstanceOf(Untested.class);
    }

    @Test
    void containers_are_left_out_where_that_is_asked_for() {
        System.setProperty(TestServer.CONTAINERS_PROPERTY, "false");

        assertThat(InContainer.postgres(18).obstacle()).isEqualTo("holdfast.testcontainers is false");
    }

    @Test
    void user_and_password_are_read_off_the_url() {
        String url = "jdbc:postgresql://db:5432/x?ssl=true&password=s%26t&user=me";

        assertThat(GivenUrl.parse(url)).isEqualTo(new ServerUrl(url, "me", "s&t"));
    }

    @Test
    void user_and_password_are_read_off_the_url_of_a_sql_server() {
        String url = "jdbc:sqlserver://db:1433;encrypt=false;user=sa;password=a&b?c";

        assertThat(GivenUrl.parse(url)).isEqualTo(new ServerUrl(url, "sa", "a&b?c"));
    }

    @Test
    void names_are_in_any_case_and_values_in_braces_there() {
        String url =
                "jdbc:sqlserver://db;applicationName={password=x;user=y};UserName=sa;PASSWORD={a;b}}=c};encrypt=false";

        assertThat(GivenUrl.parse(url)).isEqualTo(new ServerUrl(url, "sa", "a;b}=c"));
    }

    @Test
    void a_url_without_user_and_password_gives_empty_ones() {
        String url = "jdbc:postgresql://db/x";

        assertThat(GivenUrl.parse(url)).isEqualTo(new ServerUrl(url, "", ""));
    }

    @Test
    void a_url_is_given_by_its_variable() {
        assertThat(new GivenUrl("HOLDFAST_NOWHERE_URL").obstacle()).contains("HOLDFAST_NOWHERE_URL");
    }

    @Test
    void a_server_that_is_given_has_no_options() {
        String set = "PATH";

        assertThat(new GivenUrl(set, List.of()).obstacle()).isNull();
        assertThat(new GivenUrl(set, List.of("--x=1")).obstacle())
                .isEqualTo("the server that PATH names was not started with [--x=1]");
    }

    @Test
    void a_sql_server_is_not_run_where_there_is_none_and_why_is_said() {
        assumeTrue(System.getenv("HOLDFAST_MSSQL_URL") == null && System.getenv("ACCEPT_EULA") == null);

        assertThatThrownBy(TestServer.mssql(2025)::find)
                .isInstanceOf(Untested.class)
                .hasMessageContaining("HOLDFAST_MSSQL_URL")
                .hasMessageContaining("SQL Server 2025-latest")
                .hasMessageContaining("ACCEPT_EULA=Y");
    }

    private static TestServer server(Way... ways) {
        return new TestServer("some", "Some Server 5", List.of(ways));
    }

    private Way way(String url, @Nullable String obstacle) {
        return new Way() {
            @Override
            public @Nullable String obstacle() {
                return obstacle;
            }

            @Override
            public ServerUrl go() {
                gone.add(url);
                return new ServerUrl(url, "", "");
            }
        };
    }
}
