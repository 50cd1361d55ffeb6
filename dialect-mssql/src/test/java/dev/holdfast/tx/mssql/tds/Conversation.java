package dev.holdfast.tx.mssql.tds;

import dev.holdfast.tx.mssql.tds.Interpreter.Piece;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** One connection: packets in, packets out (MS-TDS, 2.2). */
final class Conversation implements Runnable {
    private static final int BATCH = 0x01;
    private static final int CALL = 0x03;
    private static final int ATTENTION = 0x06;
    private static final int LOGIN = 0x10;
    private static final int PRELOGIN = 0x12;
    private static final int GONE = -1;
    private static final int PACKET = 4096;

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Request(int type, byte[] content) {}

    private final Responder responder;
    private final Socket socket;
    private final SessionModel model;
    private final int number;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private volatile boolean killed;
    private final Map<Integer, String> prepared = new HashMap<>();
    private Interpreter interpreter;
    private int packets;

    Conversation(Responder responder, Socket socket) throws SQLException {
        this.responder = responder;
        this.socket = socket;
        this.number = responder.nextNumber();
        this.model = responder.newSession();
        this.interpreter = new Interpreter(responder, model, number, false);
    }

    int number() {
        return number;
    }

    SessionModel model() {
        return model;
    }

    boolean isOpen() {
        return !socket.isClosed();
    }

    void cut() {
        try {
            socket.close();
        } catch (IOException closed) {
            // it is
        }
    }

    /** What runs is stopped, and the connection closed without an answer. */
    void kill() {
        killed = true;
        stop();
        cut();
    }

    private void stop() {
        Store store = model.store();
        if (store != null) {
            store.cancel();
        }
    }

    /** Reads ahead, so that a cancel reaches what runs. */
    private void listen() {
        try {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            while (true) {
                Request request = read(in);
                if (request.type() == ATTENTION) {
                    stop();
                }
                requests.add(request);
            }
        } catch (IOException gone) {
            stop();
            requests.add(new Request(GONE, new byte[0]));
        }
    }

    @Override
    public void run() {
        Responder.daemon("tds-reader", this::listen);
        try (socket) {
            OutputStream out = socket.getOutputStream();
            while (true) {
                Request request = requests.take();
                switch (request.type()) {
                    case PRELOGIN -> send(out, prelogin());
                    case LOGIN -> send(out, login(request.content()));
                    case BATCH -> {
                        if (!play(out, BatchText.of(request.content()), List.of())) {
                            return;
                        }
                    }
                    case CALL -> {
                        List<Call> calls = Call.all(request.content());
                        if (!play(out, calls.get(0).text(prepared), calls)) {
                            return;
                        }
                    }
                    case ATTENTION -> attention(out, false);
                    case GONE -> {
                        return;
                    }
                    default -> {
                        responder.complain("A request of type " + request.type());
                        return;
                    }
                }
            }
        } catch (IOException | InterruptedException gone) {
            // the client has gone, or was cut off
        } catch (RuntimeException broken) {
            responder.complain("The responder broke: " + broken + " at " + Arrays.toString(broken.getStackTrace()));
        } finally {
            Store store = model.store();
            if (store != null) {
                store.close();
            }
        }
    }

    private static Request read(DataInputStream in) throws IOException {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        while (true) {
            int type = in.readUnsignedByte();
            int status = in.readUnsignedByte();
            int length = in.readUnsignedShort();
            in.readInt();
            content.write(in.readNBytes(length - 8));
            if ((status & 1) != 0) {
                return new Request(type, content.toByteArray());
            }
        }
    }

    private void send(OutputStream out, byte[] answer) throws IOException {
        int from = 0;
        do {
            int length = Math.min(PACKET - 8, answer.length - from);
            boolean last = from + length == answer.length;
            out.write(new byte[] {
                0x04, (byte) (last ? 1 : 0), (byte) ((length + 8) >> 8), (byte) (length + 8), 0, 51, (byte) ++packets, 0
            });
            out.write(answer, from, length);
            from += length;
        } while (from < answer.length);
        out.flush();
    }

    // ---- logging in

    private byte[] prelogin() {
        return new byte[] {
            0x00,
            0,
            11,
            0,
            6, // version
            0x01,
            0,
            17,
            0,
            1, // encryption
            (byte) 0xFF,
            (byte) responder.major(),
            0,
            0x10,
            0x59,
            0,
            0,
            0x02 // there is none
        };
    }

    private byte[] login(byte[] login) {
        boolean readOnlyIntent = (login[26] & 0x20) != 0;
        interpreter = new Interpreter(responder, model, number, readOnlyIntent);
        responder.logged(readOnlyIntent ? "login, intent read-only" : "login");
        Tokens answer = new Tokens()
                .database("test")
                .collation()
                .loginAck(responder.major(), 0, 4185)
                .packetSize(PACKET);
        if (responder.doesRecover() && asksForRecovery(login)) {
            answer.recoveryAck();
        }
        return answer.done(0, 0, 0).toByteArray();
    }

    /** Whether the first of the features that the client asks for is to recover sessions. */
    private static boolean asksForRecovery(byte[] login) {
        if ((login[27] & 0x10) == 0) {
            return false;
        }
        ByteBuffer in = ByteBuffer.wrap(login).order(ByteOrder.LITTLE_ENDIAN);
        return in.get(in.getInt(in.getShort(56))) == 0x01;
    }

    // ---- requests

    /** Carries a request out, or lets go wrong what is to; false if the connection is to be closed. */
    private boolean play(OutputStream out, String text, List<Call> calls) throws IOException, InterruptedException {
        responder.logged((calls.isEmpty() ? "batch: " : calls.get(0).name() + ": ") + text);
        Fault fault = responder.faultOf(text);
        if (fault == Fault.CUT_BEFORE) {
            return false;
        }
        if (fault == Fault.HANG || text.startsWith("waitfor ")) {
            return awaitAttention(out);
        }
        byte[] answer = calls.isEmpty() ? answered(interpreter.batch(text)) : answeredCalls(calls);
        if (fault == Fault.CUT_AFTER || killed) {
            return false;
        }
        Request next = requests.peek();
        if (next != null && next.type() == ATTENTION && interpreter.isCancelled()) {
            return awaitAttention(out);
        }
        if (fault == Fault.CUT_IN_ANSWER) {
            out.write(new byte[] {0x04, 1, (byte) ((answer.length + 8) >> 8), (byte) (answer.length + 8), 0, 51, 1, 0});
            out.write(answer, 0, answer.length / 2);
            out.flush();
            return false;
        }
        if (fault == Fault.HANG_AFTER) {
            return awaitAttention(out);
        }
        send(out, answer);
        return fault != Fault.CUT_AFTER_ANSWER;
    }

    private boolean awaitAttention(OutputStream out) throws IOException, InterruptedException {
        Request next = requests.take();
        if (next.type() == GONE) {
            return false;
        }
        if (next.type() != ATTENTION) {
            responder.complain("A request of type " + next.type() + " instead of a cancel");
            return false;
        }
        attention(out, true);
        return true;
    }

    /** A cancelled request is answered with an error of its own, and then the cancel. */
    private void attention(OutputStream out, boolean running) throws IOException {
        responder.logged("cancel");
        if (running) {
            if (model.xactAbort() && model.trancount() > 0) {
                model.rollBack();
            }
            send(out, new Tokens().done(Tokens.ERROR, Tokens.NOTHING, 0).toByteArray());
        }
        send(out, new Tokens().done(Tokens.ATTENTION, 0, 0).toByteArray());
    }

    private static byte[] answered(List<Piece> pieces) {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            int more = i < pieces.size() - 1 ? Tokens.MORE : 0;
            answer.writeBytes(piece.tokens());
            answer.writeBytes(new Tokens()
                    .done(piece.status() | more, piece.command(), piece.count())
                    .toByteArray());
        }
        return answer.toByteArray();
    }

    private byte[] answeredCalls(List<Call> calls) {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        for (int i = 0; i < calls.size(); i++) {
            answer.writeBytes(answered(calls.get(i), i == calls.size() - 1));
        }
        return answer.toByteArray();
    }

    private byte[] answered(Call call, boolean last) {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        int status = 0;
        if (!call.name().equals("sp_unprepare")) {
            for (Piece piece : interpreter.procedure(call.text(prepared), call.values())) {
                status |= piece.status() & Tokens.ERROR;
                answer.writeBytes(piece.tokens());
                answer.writeBytes(new Tokens()
                        .doneInProcedure(piece.status() | Tokens.MORE, piece.command(), piece.count())
                        .toByteArray());
            }
        }
        Tokens end = new Tokens().returnStatus();
        if (call.name().equals("sp_prepexec")) {
            prepared.put(prepared.size() + 1, call.text(prepared));
            end.handle(prepared.size());
        }
        answer.writeBytes(end.doneProcedure(status | (last ? 0 : Tokens.MORE)).toByteArray());
        return answer.toByteArray();
    }
}
