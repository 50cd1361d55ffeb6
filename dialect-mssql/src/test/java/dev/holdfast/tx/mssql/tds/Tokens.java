package dev.holdfast.tx.mssql.tds;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes the tokens of an answer (MS-TDS, 2.2.7). */
final class Tokens {
    /** More tokens follow. */
    static final int MORE = 0x01;

    static final int ERROR = 0x02;
    static final int COUNT = 0x10;
    static final int ATTENTION = 0x20;

    /** The commands that the driver takes for changes, when their count comes in. */
    static final int INSERT = 0xC3;

    static final int SELECT = 0xC1;
    static final int NOTHING = 0xFD;

    static final int BEGUN = 8;
    static final int COMMITTED = 9;
    static final int ROLLED_BACK = 10;

    private static final byte[] COLLATION = {0x09, 0x04, (byte) 0xD0, 0x00, 0x34};

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    byte[] toByteArray() {
        return bytes.toByteArray();
    }

    boolean isEmpty() {
        return bytes.size() == 0;
    }

    private void u1(int value) {
        bytes.write(value);
    }

    private void u2(int value) {
        u1(value);
        u1(value >> 8);
    }

    private void u4(int value) {
        u2(value);
        u2(value >> 16);
    }

    private void raw(byte[] value) {
        bytes.writeBytes(value);
    }

    private static byte[] utf16(String text) {
        return text.getBytes(StandardCharsets.UTF_16LE);
    }

    /** A text with its length in characters in one byte. */
    private void shortText(String text) {
        u1(text.length());
        raw(utf16(text));
    }

    private void longText(String text) {
        u2(text.length());
        raw(utf16(text));
    }

    private void token(int type, Tokens content) {
        byte[] body = content.toByteArray();
        u1(type);
        u2(body.length);
        raw(body);
    }

    Tokens loginAck(int major, int minor, int build) {
        Tokens body = new Tokens();
        body.u1(1);
        body.raw(new byte[] {0x74, 0, 0, 4});
        body.shortText("Microsoft SQL Server");
        body.u1(major);
        body.u1(minor);
        body.u1(build >> 8);
        body.u1(build);
        token(0xAD, body);
        return this;
    }

    /** That sessions can be recovered, where the client asked for it: with an empty state to begin with. */
    Tokens recoveryAck() {
        u1(0xAE);
        u1(0x01);
        u4(0);
        u1(0xFF);
        return this;
    }

    Tokens database(String name) {
        return changed(1, name, "master");
    }

    Tokens packetSize(int size) {
        return changed(4, Integer.toString(size), "4096");
    }

    Tokens collation() {
        Tokens body = new Tokens();
        body.u1(7);
        body.u1(COLLATION.length);
        body.raw(COLLATION);
        body.u1(0);
        token(0xE3, body);
        return this;
    }

    private Tokens changed(int type, String now, String before) {
        Tokens body = new Tokens();
        body.u1(type);
        body.shortText(now);
        body.shortText(before);
        token(0xE3, body);
        return this;
    }

    /** That a transaction began or ended, by its number. */
    Tokens transaction(int change, long number) {
        Tokens body = new Tokens();
        body.u1(change);
        Tokens descriptor = new Tokens();
        descriptor.u1(8);
        descriptor.u4((int) number);
        descriptor.u4((int) (number >> 32));
        Tokens none = new Tokens();
        none.u1(0);
        body.raw((change == BEGUN ? descriptor : none).toByteArray());
        body.raw((change == BEGUN ? none : descriptor).toByteArray());
        token(0xE3, body);
        return this;
    }

    Tokens error(Answer.Raised error) {
        Tokens body = new Tokens();
        body.u4(error.number());
        body.u1(error.state());
        body.u1(error.severity());
        body.longText(error.message());
        body.shortText("responder");
        body.shortText("");
        body.u4(1);
        token(0xAA, body);
        return this;
    }

    /** Rows of texts and numbers; a column is one of numbers where its first value is. */
    Tokens rows(int columns, List<List<@Nullable Object>> rows) {
        u1(0x81);
        u2(columns);
        for (int i = 0; i < columns; i++) {
            u4(0);
            u2(0x09);
            if (isNumeric(rows, i)) {
                u1(0x26);
                u1(4);
            } else {
                textType();
            }
            shortText("c" + (i + 1));
        }
        for (List<@Nullable Object> row : rows) {
            u1(0xD1);
            for (int i = 0; i < columns; i++) {
                value(row.get(i), isNumeric(rows, i));
            }
        }
        return this;
    }

    private static boolean isNumeric(List<List<@Nullable Object>> rows, int column) {
        return rows.isEmpty() || rows.get(0).get(column) instanceof Integer;
    }

    private void textType() {
        u1(0xE7);
        u2(8000);
        raw(COLLATION);
    }

    private void value(@Nullable Object value, boolean numeric) {
        if (numeric) {
            u1(value == null ? 0 : 4);
            if (value != null) {
                u4((Integer) value);
            }
        } else if (value == null) {
            u2(0xFFFF);
        } else {
            byte[] text = utf16(value.toString());
            u2(text.length);
            raw(text);
        }
    }

    /** The number of a statement that was prepared. */
    Tokens handle(int number) {
        u1(0xAC);
        u2(0);
        shortText("");
        u1(1);
        u4(0);
        u2(0);
        u1(0x26);
        u1(4);
        value(number, true);
        return this;
    }

    Tokens returnStatus() {
        u1(0x79);
        u4(0);
        return this;
    }

    Tokens done(int status, int command, long count) {
        return ended(0xFD, status, command, count);
    }

    Tokens doneInProcedure(int status, int command, long count) {
        return ended(0xFF, status, command, count);
    }

    Tokens doneProcedure(int status) {
        return ended(0xFE, status, 0xE0, 0);
    }

    private Tokens ended(int type, int status, int command, long count) {
        u1(type);
        u2(status);
        u2(command);
        u4((int) count);
        u4((int) (count >> 32));
        return this;
    }
}
