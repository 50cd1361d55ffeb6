package dev.holdfast.tx.testkit.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A TCP relay in this JVM, between a client and its server: it counts what travels, and loses, holds back or delays what it
 * is told to. It knows no protocol, so it serves any database, under TLS too.
 *
 * <pre>{@code
 * try (CountingProxy proxy = CountingProxy.before("localhost", 5432)) {
 *   Connection connection = open("localhost", proxy.port());
 *   Counts before = proxy.counts();
 *   connection.commit();
 *   assertEquals(1, proxy.counts().since(before).roundTrips());
 *
 *   proxy.dropReply();                       // the server commits, and nobody is told
 *   assertThrows(SQLException.class, connection::commit);
 *   assertEquals(1, proxy.losses());
 * }
 * }</pre>
 *
 * <p>A round trip is a burst of bytes of the client's that is answered by bytes of the server's. It is counted before the
 * answer is passed on, so the numbers are right as soon as the client has it.
 *
 * <p>A <em>packet</em> is what one read of a socket finds: as much as one side sent at once, or a part of it where that is
 * more than 64 KiB. What it is told on the thread that then uses the connection is in force for its next call. It is told
 * for all connections together: a pool that opens one in the background may be hit by what was meant for another, so give
 * it no room to (one connection, opened before). What is armed happens once, and {@link #losses} tells that it did; arming
 * again replaces what was armed before. Safe for several threads.
 */
public final class CountingProxy implements AutoCloseable {
    /** Longest time for the end of a thread, after its sockets were closed. */
    private static final Duration END = Duration.ofSeconds(10);

    /**
     * What has travelled.
     *
     * @param roundTrips requests that were answered
     * @param toServer bytes passed on to the server
     * @param toClient bytes passed on to the client
     * @param connections that were opened
     */
    public record Counts(long roundTrips, long toServer, long toClient, int connections) {
        /** What has travelled since earlier ones. */
        public Counts since(Counts earlier) {
            return new Counts(
                    roundTrips - earlier.roundTrips,
                    toServer - earlier.toServer,
                    toClient - earlier.toClient,
                    connections - earlier.connections);
        }
    }

    private enum Armed {
        NOTHING,
        /** At a packet of the client's. */
        CUT_REQUEST,
        /** At a packet of the server's. */
        CUT_REPLY,
        /** After so many bytes of the server's. */
        CUT_REPLY_AFTER
    }

    private final String host;
    private final int serverPort;
    private final ServerSocket listening;
    private final List<Relay> relays = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    // all guarded by this
    private Counts counts = new Counts(0, 0, 0, 0);
    private Armed armed = Armed.NOTHING;
    /** Packets or bytes, as armed. */
    private long left;

    private int losses;
    private boolean frozen;
    private boolean repliesFrozen;
    private boolean down;
    private Duration delay = Duration.ZERO;
    private boolean closed;

    private CountingProxy(String host, int serverPort) throws IOException {
        this.host = host;
        this.serverPort = serverPort;
        this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    /**
     * Starts one before a server.
     *
     * @throws UncheckedIOException if there is no free port
     */
    public static CountingProxy before(String host, int port) {
        try {
            CountingProxy proxy = new CountingProxy(host, port);
            proxy.run("accept", proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The port it listens on, on the loopback address. */
    public int port() {
        return listening.getLocalPort();
    }

    /** What has travelled so far. */
    public synchronized Counts counts() {
        return counts;
    }

    /** How often it lost what it was told to lose. */
    public synchronized int losses() {
        return losses;
    }

    // ---- what it is told to do

    /** The next request does not reach the server: its connection is cut. */
    public void dropRequest() {
        cutAtPacket(1);
    }

    /** The next reply does not reach the client, though the request did reach the server: its connection is cut. */
    public void dropReply() {
        cutAtReply(1);
    }

    /**
     * Passes on what clients send next but for the n-th packet, at which its connection is cut.
     *
     * @param n from 1
     */
    public void cutAtPacket(int n) {
        arm(Armed.CUT_REQUEST, n);
    }

    /**
     * Passes on what the server sends next but for the n-th packet, at which its connection is cut.
     *
     * @param n from 1
     */
    public void cutAtReply(int n) {
        arm(Armed.CUT_REPLY, n);
    }

    /**
     * Passes on so many bytes of what the server sends next, and cuts the connection at the first one more: in the middle of a
     * large result, for example.
     *
     * @param bytes at least 1
     */
    public void cutReplyAfter(long bytes) {
        arm(Armed.CUT_REPLY_AFTER, bytes);
    }

    private synchronized void arm(Armed what, long count) {
        if (count < 1) {
            throw new IllegalArgumentException("Packets and bytes are counted from 1, not " + count);
        }
        armed = what;
        left = count;
    }

    /** Takes back what was armed and has not happened. */
    public synchronized void disarm() {
        armed = Armed.NOTHING;
    }

    /** Nothing is passed on, either way, until {@link #thaw}; connections stay open. */
    public synchronized void freeze() {
        frozen = true;
    }

    /** Requests reach the server, and no reply is passed on until {@link #thaw}; connections stay open. */
    public synchronized void freezeReplies() {
        repliesFrozen = true;
    }

    /** Passes on what was held back. */
    public synchronized void thaw() {
        frozen = false;
        repliesFrozen = false;
        notifyAll();
    }

    /** Each packet, either way, is passed on this much later; zero for at once. */
    public synchronized void delay(Duration each) {
        delay = each;
    }

    /** As if the server had stopped: cuts all connections, and closes new ones at once, until {@link #comeUp}. */
    public void goDown() {
        synchronized (this) {
            down = true;
        }
        cutAll();
    }

    /** As if the server had started again: new connections are passed on. */
    public synchronized void comeUp() {
        down = false;
    }

    /** Cuts all connections that are open; new ones are passed on. */
    public void cutAll() {
        List<Relay> open;
        synchronized (this) {
            open = List.copyOf(relays);
        }
        open.forEach(Relay::cut);
    }

    // ---- the work

    private void accept() {
        while (true) {
            Socket client;
            try {
                client = listening.accept();
            } catch (IOException closing) {
                return;
            }
            try {
                if (isDown()) {
                    closeQuietly(client);
                } else {
                    relay(client);
                }
            } catch (IOException unreachable) {
                closeQuietly(client); // the client sees that the server is not there
            }
        }
    }

    private synchronized boolean isDown() {
        return down;
    }

    private void relay(Socket client) throws IOException {
        Relay relay = new Relay(client, new Socket(host, serverPort));
        synchronized (this) {
            if (down) { // since it was asked
                relay.close();
                return;
            }
            relays.add(relay);
            counts = new Counts(counts.roundTrips, counts.toServer, counts.toClient, counts.connections + 1);
        }
        run("to server", () -> relay.pump(relay.client, relay.server, true));
        run("to client", () -> relay.pump(relay.server, relay.client, false));
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException gone) {
            return;
        }
    }

    private void run(String role, Runnable work) {
        Thread thread = new Thread(work, "proxy " + port() + " " + role);
        thread.setDaemon(true);
        synchronized (this) {
            threads.add(thread);
        }
        thread.start();
    }

    /** How much of a packet may pass, which is counted; if it is not all of it, the connection is to be cut. */
    private synchronized int passes(Relay relay, int length, boolean toServer) throws InterruptedException {
        if (!delay.isZero()) {
            long end = System.nanoTime() + delay.toNanos();
            for (long wait = delay.toNanos(); wait > 0 && !closed; wait = end - System.nanoTime()) {
                wait(wait / 1_000_000, (int) (wait % 1_000_000));
            }
        }
        while ((frozen || (repliesFrozen && !toServer)) && !closed) {
            wait();
        }
        int passing = closed ? 0 : length - lost(length, toServer);
        if (passing > 0 && toServer) {
            relay.asked = true;
            counts = new Counts(counts.roundTrips, counts.toServer + passing, counts.toClient, counts.connections);
        } else if (passing > 0) {
            long trips = counts.roundTrips + (relay.asked ? 1 : 0);
            counts = new Counts(trips, counts.toServer, counts.toClient + passing, counts.connections);
            relay.asked = false;
        }
        return passing;
    }

    /** How many bytes at the end of a packet are lost by what is armed. */
    private int lost(int length, boolean toServer) {
        boolean concerned = armed != Armed.NOTHING && toServer == (armed == Armed.CUT_REQUEST);
        if (!concerned) {
            return 0;
        }
        left -= armed == Armed.CUT_REPLY_AFTER ? length : 1;
        boolean isNow = armed == Armed.CUT_REPLY_AFTER ? left < 0 : left == 0;
        if (!isNow) {
            return 0;
        }
        int lost = armed == Armed.CUT_REPLY_AFTER ? (int) -left : length;
        armed = Armed.NOTHING;
        losses++;
        return lost;
    }

    /** Cuts everything, and returns when its threads have ended. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            listening.close();
            threads().get(0).join(END.toMillis()); // accepts: no more connections from here on
            cutAll();
            for (Thread thread : threads()) {
                thread.join(END.toMillis());
                if (thread.isAlive()) {
                    throw new IllegalStateException("Thread '" + thread.getName() + "' of the proxy does not end");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized List<Thread> threads() {
        return List.copyOf(threads);
    }

    /** One connection of a client and the one to the server that goes with it. */
    private final class Relay {
        final Socket client;
        final Socket server;
        /** Guarded by the proxy. */
        boolean asked;

        Relay(Socket client, Socket server) throws IOException {
            this.client = client;
            this.server = server;
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
        }

        void pump(Socket from, Socket to, boolean toServer) {
            byte[] packet = new byte[1 << 16];
            try {
                while (true) {
                    int length = from.getInputStream().read(packet);
                    if (length < 0) {
                        return;
                    }
                    int passing = passes(this, length, toServer);
                    to.getOutputStream().write(packet, 0, passing);
                    if (passing < length) {
                        return;
                    }
                }
            } catch (IOException cutByTheOther) {
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                cut();
            }
        }

        void cut() {
            synchronized (CountingProxy.this) {
                relays.remove(this);
            }
            close();
        }

        void close() {
            closeQuietly(client);
            closeQuietly(server);
        }
    }
}
