package dev.holdfast.tx.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class IdentityTest {
    @TestFactory
    Stream<DynamicTest> a_url_is_told_without_users_passwords_and_parameters() {
        return Stream.of(
                        "jdbc:postgresql://host:5432/db -> jdbc:postgresql://host:5432/db",
                        "jdbc:postgresql://host/db?user=me&password=secret -> jdbc:postgresql://host/db",
                        "jdbc:mysql://me:secret@host/db -> jdbc:mysql://host/db",
                        "jdbc:mysql://me:se@cret@host/db -> jdbc:mysql://host/db",
                        "jdbc:mysql://me:se/cret@host/db -> jdbc:mysql://host/db",
                        "jdbc:mysql:loadbalance://me:secret@one,me:secret@two/db -> jdbc:mysql:loadbalance://two/db",
                        "jdbc:mysql://(host=one,user=me,password=secret)/db -> jdbc:mysql://(host=one,user=,password=)/db",
                        "jdbc:sqlserver://host;user=me;password=secret -> jdbc:sqlserver://host",
                        "jdbc:oracle:thin:me/secret@host:1521:db -> jdbc:oracle:thin:@host:1521:db",
                        "jdbc:oracle:thin:me/se@?;cret@//host:1521/db?x=y -> jdbc:oracle:thin:@//host:1521/db",
                        "jdbc:oracle:oci:me[you]/secret@tns -> jdbc:oracle:oci:@tns",
                        "jdbc:oracle:thin:@//host:1521/db?wallet=/a@b -> jdbc:oracle:thin:@//host:1521/db",
                        "jdbc:sqlite:shop.db -> jdbc:sqlite:shop.db",
                        "jdbc:sqlite:file:shop?mode=memory&cache=shared -> jdbc:sqlite:file:shop",
                        "jdbc:sqlite:/home/me@work/shop.db -> jdbc:sqlite:/home/me@work/shop.db")
                .map(line -> line.split(" -> "))
                .map(line -> dynamicTest(
                        line[0],
                        () -> assertThat(Identity.withoutSecrets(line[0])).isEqualTo(line[1])));
    }
}
