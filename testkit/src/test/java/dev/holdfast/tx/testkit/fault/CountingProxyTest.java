package dev.holdfast.tx.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.testkit.fault.CountingProxy.Counts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CountingProxyTest {
    /** Bytes that the server has read, on all connections. */
    private final AtomicInteger served = new AtomicInteger();

    private ServerSocket server;
    private CountingProxy proxy;

    @BeforeEach
    void start() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::serve);
        proxy = CountingProxy.before("localhost", server.getLocalPort());
    }

    @AfterEach
    void end() throws IOException {
        proxy.close();
        server.close();
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "echo");
        thread.setDaemon(true);
        thread.start();
    }

    private void serve() {
        try {
            while (true) {
                Socket client = server.accept();
                daemon(() -> echo(client));
            }
        } catch (IOException closed) {
            return;
        }
    }

    /** Answers each byte with itself. */
    private void echo(Socket client) {
        try (client) {
            int read = client.getInputStream().read();
            while (read >= 0) {
                served.incrementAndGet();
                client.getOutputStream().write(read);
                read = client.getInputStream().read();
            }
        } catch (IOException cut) {
            return;
        }
    }

    private Socket connect() throws IOException {
        Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        client.setTcpNoDelay(true);
        return client;
    }

    /** Sends one byte; answers what came back, -1 for nothing. */
    private static int ask(Socket client) throws IOException {
        client.getOutputStream().write('?');
        return client.getInputStream().read();
    }

    private static boolean isCut(Socket client) {
        try {
            return ask(client) < 0;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void a_request_and_its_answer_are_one_round_trip() throws IOException {
        try (Socket one = connect();
                Socket other = connect()) {
            ask(one);
            ask(one);
            ask(other);
            assertThat(proxy.counts()).isEqualTo(new Counts(3, 3, 3, 2));
            Counts before = proxy.counts();
            ask(other);
            assertThat(proxy.counts().since(before)).isEqualTo(new Counts(1, 1, 1, 0));
        }
    }

    @Test
    void a_request_that_is_dropped_does_not_reach_the_server() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.dropRequest();
            assertThat(isCut(client)).isTrue();
            assertThat(served).hasValue(1);
            assertThat(proxy.losses()).isEqualTo(1);
        }
    }

    @Test
    void a_reply_that_is_dropped_has_left_the_server() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.dropReply();
            assertThat(isCut(client)).isTrue();
            assertThat(served).hasValue(2);
            assertThat(proxy.losses()).isEqualTo(1);
        }
    }

    @Test
    void what_was_armed_happens_once() throws IOException {
        proxy.dropReply();
        try (Socket client = connect()) {
            assertThat(isCut(client)).isTrue();
        }
        try (Socket client = connect()) {
            assertThat(ask(client)).isEqualTo('?');
        }
        assertThat(proxy.losses()).isEqualTo(1);
    }

    @Test
    void what_is_disarmed_does_not_happen() throws IOException {
        proxy.dropReply();
        proxy.disarm();
        try (Socket client = connect()) {
            assertThat(ask(client)).isEqualTo('?');
        }
    }

    @Test
    void a_connection_is_cut_at_the_packet_that_was_named() throws IOException {
        try (Socket client = connect()) {
            proxy.cutAtPacket(3);
            assertThat(ask(client)).isEqualTo('?');
            assertThat(ask(client)).isEqualTo('?');
            assertThat(isCut(client)).isTrue();
        }
        assertThatThrownBy(() -> proxy.cutAtPacket(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_connection_is_cut_at_the_reply_that_was_named() throws IOException {
        try (Socket client = connect()) {
            proxy.cutAtReply(2);
            assertThat(ask(client)).isEqualTo('?');
            assertThat(isCut(client)).isTrue();
            assertThat(served).hasValue(2);
        }
        assertThat(proxy.losses()).isEqualTo(1);
        assertThatThrownBy(() -> proxy.cutAtReply(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_reply_is_cut_after_so_many_bytes() throws IOException {
        try (Socket client = connect()) {
            proxy.cutReplyAfter(3);
            client.getOutputStream().write(new byte[] {'a', 'b', 'c', 'd', 'e'});
            assertThat(client.getInputStream().readNBytes(3)).containsExactly('a', 'b', 'c');
            assertThat(isCut(client)).isTrue();
        }
        assertThat(proxy.losses()).isEqualTo(1);
        assertThat(proxy.counts().toClient()).isEqualTo(3);
        assertThatThrownBy(() -> proxy.cutReplyAfter(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void arming_again_replaces_what_was_armed() throws IOException {
        proxy.dropRequest();
        proxy.dropReply();
        try (Socket client = connect()) {
            assertThat(isCut(client)).isTrue();
        }
        assertThat(served).hasValue(1);
        assertThat(proxy.losses()).isEqualTo(1);
    }

    @Test
    void a_server_that_goes_down_takes_no_connection_until_it_comes_up() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.goDown();
            assertThat(isCut(client)).isTrue();
        }
        try (Socket client = connect()) {
            assertThat(isCut(client)).isTrue();
        }
        assertThat(served).hasValue(1);
        proxy.comeUp();
        try (Socket client = connect()) {
            assertThat(ask(client)).isEqualTo('?');
        }
        assertThat(proxy.counts().connections()).isEqualTo(2);
    }

    @Test
    void nothing_passes_while_it_is_frozen_and_all_of_it_afterwards() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.freeze();
            client.setSoTimeout(50);
            assertThatThrownBy(() -> ask(client)).isInstanceOf(SocketTimeoutException.class);
            client.setSoTimeout(10_000);
            proxy.thaw();
            assertThat(client.getInputStream().read()).isEqualTo('?');
        }
    }

    @Test
    void requests_pass_while_only_replies_are_frozen() throws IOException {
        try (Socket client = connect()) {
            proxy.freezeReplies();
            client.setSoTimeout(50);
            assertThatThrownBy(() -> ask(client)).isInstanceOf(SocketTimeoutException.class);
            assertThat(served).hasValue(1);
            client.setSoTimeout(10_000);
            proxy.thaw();
            assertThat(client.getInputStream().read()).isEqualTo('?');
        }
    }

    @Test
    void a_delay_holds_each_packet_back() throws IOException {
        try (Socket client = connect()) {
            proxy.delay(Duration.ofMillis(20));
            long before = System.nanoTime();
            ask(client);
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isGreaterThanOrEqualTo(Duration.ofMillis(40));
        }
    }

    @Test
    void all_connections_can_be_cut() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.cutAll();
            assertThat(isCut(client)).isTrue();
        }
    }

    @Test
    void a_server_that_is_not_there_is_seen_by_the_client() throws IOException {
        int nobody;
        try (ServerSocket unused = new ServerSocket(0)) {
            nobody = unused.getLocalPort();
        }
        try (CountingProxy toNobody = CountingProxy.before("localhost", nobody);
                Socket client = new Socket(InetAddress.getLoopbackAddress(), toNobody.port());
                Socket another = new Socket(InetAddress.getLoopbackAddress(), toNobody.port())) {
            assertThat(isCut(client)).isTrue();
            assertThat(isCut(another)).isTrue();
        }
    }

    @Test
    void close_ends_everything_even_while_it_is_frozen() throws IOException {
        try (Socket client = connect()) {
            ask(client);
            proxy.freeze();
            client.getOutputStream().write('?');
            proxy.close();
            assertThat(isCut(client)).isTrue();
        }
    }
}
