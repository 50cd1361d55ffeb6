package dev.holdfast.tx.mssql.tds;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Listens where a SQL Server might, and is none. It records each request in order, carries the transaction statements of the
 * dialect out on a model, and answers what a test has answers for. A text that it does not know fails the test when it is
 * closed.
 */
public final class Responder implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(30);

    private final ServerSocket listening;
    private final Ledger ledger = new Ledger();
    private final List<Conversation> conversations = new CopyOnWriteArrayList<>();
    private final List<String> log = new ArrayList<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final Map<String, Deque<Answer>> once = new ConcurrentHashMap<>();
    private final Map<String, Fault> faults = new LinkedHashMap<>();
    private final Map<String, Object> probed = new ConcurrentHashMap<>();
    private final AtomicInteger numbers = new AtomicInteger();
    private volatile @Nullable String database;
    private volatile boolean recovers;
    private volatile boolean abortsByDefault;
    private volatile int major = 16;

    public Responder() throws IOException {
        listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        probed.putAll(Map.of(
                "edition",
                3,
                "version",
                "16.0.4185.3",
                "rcsi",
                0,
                "snapshot",
                0,
                "read only",
                0,
                "updateability",
                "READ_WRITE",
                "isolation",
                2));
        daemon("tds-listener", this::listen);
    }

    static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void listen() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                socket.setTcpNoDelay(true);
                Conversation conversation = new Conversation(this, socket);
                conversations.add(conversation);
                daemon("tds-session", conversation);
            } catch (IOException closed) {
                return;
            } catch (SQLException broken) {
                complain("No store: " + broken);
            }
        }
    }

    /** Where it listens. */
    public int port() {
        return listening.getLocalPort();
    }

    /** The URL to connect to, with what is needed for a connection in plain text. */
    public String url() {
        return "jdbc:sqlserver://localhost:" + listening.getLocalPort()
                + ";encrypt=false;databaseName=test;loginTimeout=10";
    }

    // ---- what it is to be

    /** Answers the probe with this from now on: {@code edition, version, rcsi, snapshot, read only, updateability, isolation, database}. */
    public Responder probed(String what, Object answer) {
        probed.put(what, answer);
        if (what.equals("version")) {
            major = Integer.parseInt(answer.toString().replaceFirst("\\..*", ""));
        }
        return this;
    }

    /** What tests have no answers for works on tables in memory from now on. */
    public Responder withTables() {
        database = "tds_" + listening.getLocalPort();
        return this;
    }

    /** New sessions have XACT_ABORT on. */
    public Responder abortsByDefault() {
        abortsByDefault = true;
        return this;
    }

    /** Tells clients that it can recover sessions, as SQL Server does. */
    public Responder recovers() {
        recovers = true;
        return this;
    }

    /** Answers a statement with this, each time. */
    public Responder answer(String text, Answer answer) {
        answers.put(text, answer);
        return this;
    }

    /** Answers a statement with this the next time; several are used one after the other. */
    public Responder next(String text, Answer answer) {
        once.computeIfAbsent(text, key -> new ArrayDeque<>()).add(answer);
        return this;
    }

    /** Lets this go wrong with the next request whose text begins with this. */
    public Responder fault(String begin, Fault fault) {
        synchronized (faults) {
            faults.put(begin, fault);
        }
        return this;
    }

    // ---- what happened

    /** The requests since the log was cleared, of all sessions, in order. */
    public List<String> log() {
        synchronized (log) {
            return List.copyOf(log);
        }
    }

    /** How many requests were made, each of which costs a round trip. */
    public int roundTrips() {
        return log().size();
    }

    /** Forgets what was logged. */
    public void clearLog() {
        synchronized (log) {
            log.clear();
        }
    }

    /**
     * Waits until something was asked that begins with this.
     *
     * @throws AssertionError if it was not within the bound
     */
    public void await(String begin) throws InterruptedException {
        long end = System.nanoTime() + BOUND.toNanos();
        synchronized (log) {
            while (log.stream().noneMatch(request -> request.startsWith(begin))) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    throw new AssertionError("'" + begin + "' was not asked within " + BOUND + ", but " + log);
                }
                log.wait(left);
            }
        }
    }

    /** The changes that were committed, in order. */
    public List<String> committed() {
        return ledger.committed();
    }

    /** Those of them that were made while no transaction was open: each was committed by itself. */
    public List<String> outside() {
        return ledger.outside();
    }

    /** The sessions that are connected, oldest first. */
    public List<SessionModel> sessions() {
        return conversations.stream()
                .filter(Conversation::isOpen)
                .map(Conversation::model)
                .toList();
    }

    /** Whether something was asked that it does not know. */
    public boolean isComplaining() {
        return !complaints.isEmpty();
    }

    /** Closes all connections, as a server does that goes down. */
    public void cutAll() {
        conversations.forEach(Conversation::cut);
    }

    /**
     * Stops.
     *
     * @throws AssertionError if something was asked that it does not know
     */
    @Override
    public void close() throws IOException {
        listening.close();
        cutAll();
        if (!complaints.isEmpty()) {
            throw new AssertionError(String.join("\n", complaints));
        }
    }

    // ---- for its conversations

    void logged(String request) {
        synchronized (log) {
            log.add(request);
            log.notifyAll();
        }
    }

    void complain(String what) {
        complaints.add(what);
    }

    @Nullable
    Answer answerTo(String text) {
        Deque<Answer> next = once.get(text);
        Answer first = next == null ? null : next.poll();
        return first != null ? first : answers.get(text);
    }

    @Nullable
    Fault faultOf(String text) {
        synchronized (faults) {
            for (String begin : faults.keySet()) {
                if (text.startsWith(begin)) {
                    return faults.remove(begin);
                }
            }
            return null;
        }
    }

    @Nullable
    Object updateability(boolean readOnlyIntent) {
        Object updateability = probed.get("updateability");
        boolean secondary = "BY INTENT".equals(updateability);
        return secondary ? (readOnlyIntent ? "READ_ONLY" : "READ_WRITE") : updateability;
    }

    List<@Nullable Object> probed(SessionModel session, boolean readOnlyIntent) {
        return Arrays.asList(
                probed.get("edition"),
                probed.get("version"),
                probed.get("rcsi"),
                probed.get("snapshot"),
                probed.get("read only"),
                updateability(readOnlyIntent),
                probed.get("isolation"),
                session.xactAbort() ? "ON" : "OFF",
                null,
                probed.get("database"));
    }

    SessionModel newSession() throws SQLException {
        String kept = database;
        return new SessionModel(ledger, kept == null ? null : new H2Store(kept, this::storeOf), abortsByDefault);
    }

    private @Nullable H2Store storeOf(int session) {
        for (Conversation conversation : conversations) {
            if (conversation.number() == session && conversation.isOpen()) {
                return (H2Store) conversation.model().store();
            }
        }
        return null;
    }

    int nextNumber() {
        return 50 + numbers.incrementAndGet();
    }

    /** Cuts a session off, as KILL does. */
    void kill(int session) {
        conversations.stream().filter(each -> each.number() == session).forEach(Conversation::kill);
    }

    boolean doesRecover() {
        return recovers;
    }

    int major() {
        return major;
    }
}
