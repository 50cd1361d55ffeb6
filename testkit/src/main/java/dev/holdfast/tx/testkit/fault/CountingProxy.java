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
 * A TCP relay in this JVM, between a client and its server. It counts round trips: a burst of bytes of the client's that is
 * answered by bytes of the server's is one, counted before the answer is passed on, so that the numbers are right as soon as
 * the client has it. And it loses what it is told to lose; what is told on the thread that then uses the connection is in
 * force for its next call. It knows no protocol.
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
        DROP_REQUEST,
        DROP_REPLY
    }

    private final String host;
    private final int serverPort;
    private final ServerSocket listening;
    private final List<Relay> relays = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    // all guarded by this
    private Counts counts = new Counts(0, 0, 0, 0);
    private Armed armed = Armed.NOTHING;
    private int packetsLeft;
    private int losses;
    private boolean frozen;
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
    public synchronized void dropReply() {
        armed = Armed.DROP_REPLY;
    }

    /** Passes on what the client sends next but for the n-th packet, counted from 1, at which the connection is cut. */
    public synchronized void cutAtPacket(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("Packets are counted from 1, not " + n);
        }
        armed = Armed.DROP_REQUEST;
        packetsLeft = n;
    }

    /** Takes back what was armed and has not happened. */
    public synchronized void disarm() {
        armed = Armed.NOTHING;
    }

    /** Nothing is passed on until {@link #thaw}; connections stay open. */
    public synchronized void freeze() {
        frozen = true;
    }

    /** Passes on what was held back. */
    public synchronized void thaw() {
        frozen = false;
        notifyAll();
    }

    /** Each packet is passed on this much later. */
    public synchronized void delay(Duration each) {
        delay = each;
    }

    /** Cuts all connections that are open. */
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
                relay(client);
            } catch (IOException unreachable) {
                closeQuietly(client); // the client sees that the server is not there
            }
        }
    }

    private void relay(Socket client) throws IOException {
        Relay relay = new Relay(client, new Socket(host, serverPort));
        synchronized (this) {
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

    /** Whether a packet may pass; it is counted then. */
    private synchronized boolean passes(Relay relay, int length, boolean toServer) throws InterruptedException {
        if (!delay.isZero()) {
            long end = System.nanoTime() + delay.toNanos();
            for (long left = delay.toNanos(); left > 0 && !closed; left = end - System.nanoTime()) {
                wait(left / 1_000_000, (int) (left % 1_000_000));
            }
        }
        while (frozen && !closed) {
            wait();
        }
        if (closed) {
            return false;
        }
        if (toServer && armed == Armed.DROP_REQUEST && --packetsLeft == 0) {
            return lose();
        }
        if (!toServer && armed == Armed.DROP_REPLY) {
            return lose();
        }
        if (toServer) {
            relay.asked = true;
            counts = new Counts(counts.roundTrips, counts.toServer + length, counts.toClient, counts.connections);
        } else {
            long trips = counts.roundTrips + (relay.asked ? 1 : 0);
            counts = new Counts(trips, counts.toServer, counts.toClient + length, counts.connections);
            relay.asked = false;
        }
        return true;
    }

    private boolean lose() {
        armed = Armed.NOTHING;
        losses++;
        return false;
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
                    if (length < 0 || !passes(this, length, toServer)) {
                        return;
                    }
                    to.getOutputStream().write(packet, 0, length);
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
            closeQuietly(client);
            closeQuietly(server);
        }
    }
}
