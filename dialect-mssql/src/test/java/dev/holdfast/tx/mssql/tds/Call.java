package dev.holdfast.tx.mssql.tds;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of a procedure, as the driver makes it for prepared statements.
 *
 * @param name of the procedure
 * @param parameters all that it is given
 */
record Call(String name, List<@Nullable Object> parameters) {
    /** Stands between two calls. */
    private static final int SEPARATOR = 0xFF;

    private static final Map<Integer, String> NUMBERS =
            Map.of(10, "sp_executesql", 12, "sp_execute", 13, "sp_prepexec", 15, "sp_unprepare");

    /** All that one request calls for: a batch of a prepared statement calls several times. */
    static List<Call> all(byte[] request) {
        ByteBuffer in = ByteBuffer.wrap(request).order(ByteOrder.LITTLE_ENDIAN);
        in.position(in.getInt(0));
        List<Call> calls = new ArrayList<>();
        while (in.hasRemaining()) {
            calls.add(next(in));
        }
        return calls;
    }

    private static Call next(ByteBuffer in) {
        int length = in.getShort() & 0xFFFF;
        String name = length == 0xFFFF
                ? NUMBERS.getOrDefault((int) in.getShort(), "a procedure without a name")
                : text(in, length * 2);
        in.getShort(); // options
        List<@Nullable Object> parameters = new ArrayList<>();
        while (in.hasRemaining()) {
            int nameLength = in.get() & 0xFF;
            if (nameLength == SEPARATOR) {
                break;
            }
            text(in, nameLength * 2);
            in.get(); // by value, or out
            parameters.add(value(in));
        }
        return new Call(name, parameters);
    }

    /** The statement that it is called for. */
    String text(Map<Integer, String> prepared) {
        return switch (name) {
            case "sp_executesql" -> String.valueOf(parameters.get(0));
            case "sp_prepexec" -> String.valueOf(parameters.get(2));
            case "sp_execute", "sp_unprepare" ->
                prepared.getOrDefault(((BigInteger) parameters.get(0)).intValue(), "nothing that was prepared");
            default -> throw new IllegalArgumentException("The responder does not know " + name);
        };
    }

    /** The values for the statement. */
    List<Object> values() {
        int first = switch (name) {
            case "sp_executesql" -> 2;
            case "sp_prepexec" -> 3;
            default -> 1;
        };
        return parameters.size() <= first
                ? List.of()
                : parameters.subList(first, parameters.size()).stream()
                        .map(value -> value == null ? "null" : value)
                        .map(Object.class::cast)
                        .toList();
    }

    private static String text(ByteBuffer in, int bytes) {
        byte[] text = new byte[bytes];
        in.get(text);
        return new String(text, StandardCharsets.UTF_16LE);
    }

    private static @Nullable Object value(ByteBuffer in) {
        int type = in.get() & 0xFF;
        if (type == 0x26 || type == 0x68) { // a number of 1, 2, 4 or 8 bytes; a bit
            in.get();
            return number(in, in.get());
        }
        if (type != 0xE7) { // a text
            throw new IllegalArgumentException("The responder does not know type 0x" + Integer.toHexString(type));
        }
        int most = in.getShort() & 0xFFFF;
        in.position(in.position() + 5);
        if (most == 0xFFFF) {
            return longText(in);
        }
        int bytes = in.getShort() & 0xFFFF;
        return bytes == 0xFFFF ? null : text(in, bytes);
    }

    private static @Nullable Object number(ByteBuffer in, int bytes) {
        if (bytes == 0) {
            return null;
        }
        byte[] backwards = new byte[bytes];
        for (int i = bytes - 1; i >= 0; i--) {
            backwards[i] = in.get();
        }
        return new BigInteger(backwards);
    }

    private static @Nullable String longText(ByteBuffer in) {
        if (in.getLong() == -1) {
            return null;
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int chunk = in.getInt(); chunk != 0; chunk = in.getInt()) {
            byte[] part = new byte[chunk];
            in.get(part);
            all.writeBytes(part);
        }
        return all.toString(StandardCharsets.UTF_16LE);
    }
}
