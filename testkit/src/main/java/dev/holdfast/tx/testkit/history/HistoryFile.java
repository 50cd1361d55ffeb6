package dev.holdfast.tx.testkit.history;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Histories in files: {@code history-….jsonl.gz}, one line of JSON for each transaction after a line about the whole. What
 * was written is read again as it was, and nothing else is read.
 *
 * <pre>
 * {"format":1,"seed":42,"about":"registers at SERIALIZABLE"}
 * {"id":1,"session":0,"began":1,"ended":4,"status":"OK","ops":[["r",5,0],["w",5,17]]}
 * {"id":2,"session":1,"began":2,"ended":6,"status":"FAILED","ops":[["l",6,[17,18]],["a",6,19]]}
 * </pre>
 */
public final class HistoryFile {
    private static final int FORMAT = 1;

    private HistoryFile() {}

    /**
     * Writes a history into a folder, which is made if it is not there.
     *
     * @return {@code history-<name>.jsonl.gz} in it; one of that name is replaced
     */
    public static Path save(History history, Path folder, String name) throws IOException {
        Path file = Files.createDirectories(folder).resolve("history-" + name + ".jsonl.gz");
        try (Writer out =
                new OutputStreamWriter(new GZIPOutputStream(Files.newOutputStream(file)), StandardCharsets.UTF_8)) {
            out.write(head(history.seed(), history.about()) + "\n");
            for (Recorded one : history.transactions()) {
                out.write(line(one) + "\n");
            }
        }
        return file;
    }

    /**
     * Reads what {@link #save} wrote.
     *
     * @throws IOException if it is something else; names the line
     */
    public static History read(Path file) throws IOException {
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            String head = in.readLine();
            List<Recorded> transactions = new ArrayList<>();
            int number = 1;
            try {
                Line about = new Line(String.valueOf(head));
                about.expect("{\"format\":" + FORMAT + ",\"seed\":");
                long seed = about.number();
                about.expect(",\"about\":");
                String text = about.text();
                about.expect("}");
                about.end();
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    number++;
                    Recorded one = recorded(new Line(line));
                    if (!line(one).equals(line)) {
                        throw new IllegalArgumentException("would be written as " + line(one));
                    }
                    transactions.add(one);
                }
                return new History(seed, text, transactions);
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new IOException(file + ", line " + number + ": " + e.getMessage(), e);
            }
        }
    }

    /**
     * Writes a history as Jepsen does, so that other checkers can be asked: one map for each beginning and each end.
     *
     * @return {@code history-<name>.edn} in the folder; one of that name is replaced
     */
    public static Path saveEdn(History history, Path folder, String name) throws IOException {
        Path file = Files.createDirectories(folder).resolve("history-" + name + ".edn");
        List<Event> events = new ArrayList<>();
        for (Recorded one : history.transactions()) {
            events.add(new Event(one.began(), one, false));
            events.add(new Event(one.ended(), one, true));
        }
        events.sort(Comparator.comparingInt(Event::at));
        try (Writer out = Files.newBufferedWriter(file)) {
            int index = 0;
            for (Event event : events) {
                out.write(event.edn(index++) + "\n");
            }
        }
        return file;
    }

    /** A beginning or an end, at its time. */
    private record Event(int at, Recorded of, boolean isEnd) {
        String edn(int index) {
            String type = "invoke";
            if (isEnd) {
                type = switch (of.status()) {
                    case OK -> "ok";
                    case FAILED -> "fail";
                    case UNKNOWN -> "info";
                };
            }
            StringBuilder ops = new StringBuilder();
            for (Op op : of.ops()) {
                ops.append(ops.isEmpty() ? "[" : " [").append(edn(op)).append(']');
            }
            int process = of.isFinal() ? 1_000_000 : of.session();
            return "{:index " + index + ", :time " + at + ", :type :" + type + ", :process " + process
                    + ", :f :txn, :value [" + ops + "]}";
        }

        /** A read is answered only at the end, and by what ended well; a register that holds nothing is nil. */
        private String edn(Op op) {
            boolean answered = isEnd && of.status() == Recorded.Status.OK;
            return switch (op.kind()) {
                case READ -> ":r " + op.key() + " " + (answered && op.value() != Op.INITIAL ? op.value() : "nil");
                case READ_LIST -> ":r " + op.key() + " " + (answered ? elements(op, " ") : "nil");
                case WRITE -> ":w " + op.key() + " " + op.value();
                case APPEND -> ":append " + op.key() + " " + op.value();
            };
        }
    }

    private static String head(long seed, String about) {
        return "{\"format\":" + FORMAT + ",\"seed\":" + seed + ",\"about\":" + quoted(about) + "}";
    }

    private static String line(Recorded one) {
        StringBuilder line = new StringBuilder(96)
                .append("{\"id\":")
                .append(one.id())
                .append(",\"session\":")
                .append(one.session())
                .append(",\"began\":")
                .append(one.began())
                .append(",\"ended\":")
                .append(one.ended())
                .append(",\"status\":\"")
                .append(one.status())
                .append("\",\"ops\":[");
        String separator = "";
        for (Op op : one.ops()) {
            line.append(separator)
                    .append("[\"")
                    .append(op.kind().letter())
                    .append("\",")
                    .append(op.key())
                    .append(',')
                    .append(op.kind() == Op.Kind.READ_LIST ? elements(op, ",") : String.valueOf(op.value()))
                    .append(']');
            separator = ",";
        }
        return line.append("]}").toString();
    }

    private static String elements(Op op, String separator) {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < op.size(); i++) {
            text.append(i == 0 ? "" : separator).append(op.element(i));
        }
        return text.append(']').toString();
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    private static Recorded recorded(Line line) {
        line.expect("{\"id\":");
        int id = line.integer();
        line.expect(",\"session\":");
        int session = line.integer();
        line.expect(",\"began\":");
        int began = line.integer();
        line.expect(",\"ended\":");
        int ended = line.integer();
        line.expect(",\"status\":");
        Recorded.Status status = Recorded.Status.valueOf(line.text());
        line.expect(",\"ops\":[");
        List<Op> ops = new ArrayList<>();
        while (!line.takes("]")) {
            if (!ops.isEmpty()) {
                line.expect(",");
            }
            ops.add(op(line));
        }
        line.expect("}");
        line.end();
        return new Recorded(id, session, began, ended, status, ops);
    }

    private static Op op(Line line) {
        line.expect("[");
        String letter = line.text();
        line.expect(",");
        int key = line.integer();
        line.expect(",");
        Op op = switch (letter) {
            case "r" -> Op.read(key, line.integer());
            case "w" -> Op.write(key, line.integer());
            case "a" -> Op.append(key, line.integer());
            case "l" -> Op.readList(key, line.integers());
            default -> throw new IllegalArgumentException("no operation is called " + letter);
        };
        line.expect("]");
        return op;
    }

    /** A line that is read from left to right. */
    private static final class Line {
        private final String text;
        private int at;

        Line(String text) {
            this.text = text;
        }

        boolean takes(String expected) {
            if (text.startsWith(expected, at)) {
                at += expected.length();
                return true;
            }
            return false;
        }

        void expect(String expected) {
            if (!takes(expected)) {
                throw wrong(expected);
            }
        }

        void end() {
            if (at != text.length()) {
                throw wrong("the end");
            }
        }

        int integer() {
            return Math.toIntExact(number());
        }

        long number() {
            int from = at;
            while (at < text.length()
                    && (Character.isDigit(text.charAt(at)) || (at == from && text.charAt(at) == '-'))) {
                at++;
            }
            try {
                return Long.parseLong(text.substring(from, at));
            } catch (NumberFormatException e) {
                throw wrong("a number", e);
            }
        }

        int[] integers() {
            List<Integer> numbers = new ArrayList<>();
            expect("[");
            while (!takes("]")) {
                if (!numbers.isEmpty()) {
                    expect(",");
                }
                numbers.add(integer());
            }
            return numbers.stream().mapToInt(Integer::intValue).toArray();
        }

        String text() {
            expect("\"");
            StringBuilder plain = new StringBuilder();
            while (!takes("\"")) {
                if (takes("\\u")) {
                    if (at + 4 > text.length()) {
                        throw wrong("four digits");
                    }
                    plain.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                    continue;
                }
                if (takes("\\") && at < text.length() && "\"\\".indexOf(text.charAt(at)) < 0) {
                    throw wrong("a quote or a backslash");
                }
                if (at >= text.length()) {
                    throw wrong("a closing quote");
                }
                plain.append(text.charAt(at++));
            }
            return plain.toString();
        }

        private IllegalArgumentException wrong(String expected) {
            return wrong(expected, null);
        }

        private IllegalArgumentException wrong(String expected, @Nullable Throwable cause) {
            String rest = text.substring(Math.min(at, text.length()), Math.min(at + 20, text.length()));
            return new IllegalArgumentException(
                    "expected " + expected + " at column " + (at + 1) + ", saw " + rest, cause);
        }
    }
}
