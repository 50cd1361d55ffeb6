import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.annotation.processing.SupportedAnnotationTypes;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.ExecutableElement;
import javax.lang.model.element.Modifier;
import javax.lang.model.element.TypeElement;
import javax.lang.model.element.VariableElement;
import javax.lang.model.util.ElementFilter;
import javax.tools.ToolProvider;

/**
 * Writes the delegates that the guards of the engine extend: one method for each of JDBC's, which takes the turn, calls
 * the driver, and shows its errors to the engine. Run by the build; the interfaces are those of Java 17 whatever the
 * JDK. What a guard does by itself is left out here (see {@link #BY_HAND}), and written in the guard.
 *
 * <p>Usage: {@code java GenerateDelegates.java <output folder>}
 */
public final class GenerateDelegates {
    private static final String PACKAGE = "dev.holdfast.tx.engine.internal";

    /**
     * A delegate.
     *
     * @param jdbc the interface
     * @param header what stands after its name
     * @param parameters of its constructor, passed on as they are
     * @param wrappers the methods that turn what the driver returns into guards
     */
    private record Delegate(String jdbc, String header, List<String> parameters, List<String> wrappers) {}

    private static final String USE = "ConnectionUse use";
    private static final String CONNECTION = "GuardedConnection connection";

    private static final Map<String, Delegate> DELEGATES = Map.of(
            "ConnectionDelegate",
                    new Delegate(
                            "java.sql.Connection",
                            "extends Guard<java.sql.Connection>",
                            List.of(USE),
                            List.of("Statement", "PreparedStatement", "CallableStatement", "DatabaseMetaData")),
            "StatementDelegate",
                    new Delegate(
                            "java.sql.Statement",
                            "<S extends java.sql.Statement> extends Guard<S>",
                            List.of(USE),
                            List.of("ResultSet")),
            "PreparedStatementDelegate",
                    new Delegate(
                            "java.sql.PreparedStatement",
                            "<S extends java.sql.PreparedStatement> extends GuardedStatement<S>",
                            List.of(CONNECTION, "S raw"),
                            List.of()),
            "CallableStatementDelegate",
                    new Delegate(
                            "java.sql.CallableStatement",
                            "<S extends java.sql.CallableStatement> extends GuardedPreparedStatement<S>",
                            List.of(CONNECTION, "S raw", "String sql"),
                            List.of()),
            "ResultSetDelegate",
                    new Delegate(
                            "java.sql.ResultSet",
                            "extends Guard<java.sql.ResultSet>",
                            List.of(USE),
                            List.of("Statement")),
            "DatabaseMetaDataDelegate",
                    new Delegate(
                            "java.sql.DatabaseMetaData",
                            "extends Guard<java.sql.DatabaseMetaData>",
                            List.of(USE),
                            List.of("ResultSet")));

    /** What the guards write by hand. */
    private static final Map<String, Set<String>> BY_HAND = Map.of(
            "java.sql.Connection",
                    Set.of(
                            "commit",
                            "rollback",
                            "setAutoCommit",
                            "getAutoCommit",
                            "setSavepoint",
                            "releaseSavepoint",
                            "setReadOnly",
                            "isReadOnly",
                            "setTransactionIsolation",
                            "getTransactionIsolation",
                            "setSchema",
                            "setCatalog",
                            "setNetworkTimeout",
                            "getNetworkTimeout",
                            "setClientInfo",
                            "setHoldability",
                            "setTypeMap",
                            "abort",
                            "close",
                            "isClosed",
                            "beginRequest",
                            "endRequest"),
            "java.sql.Statement", Set.of("close", "isClosed", "cancel", "executeBatch", "executeLargeBatch"),
            "java.sql.PreparedStatement", Set.of(),
            "java.sql.CallableStatement", Set.of(),
            "java.sql.ResultSet", Set.of("close", "isClosed"),
            "java.sql.DatabaseMetaData", Set.of());

    /** Answered by the driver's memory, or only gathered there: no turn is taken, nothing is checked. */
    private static final Pattern LOCAL = Pattern.compile("(get|set|clear|was|find|update|is|supports)[A-Z].*|addBatch");

    private static final Set<String> NOT_LOCAL = Set.of(
            "getMoreResults",
            "getGeneratedKeys",
            "getResultSet",
            "getMetaData",
            "getParameterMetaData",
            "updateRow",
            "isLast",
            "isAfterLast");

    private GenerateDelegates() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0], PACKAGE.replace('.', '/'));
        Files.createDirectories(folder);
        List<String> interfaces =
                DELEGATES.values().stream().map(Delegate::jdbc).sorted().toList();
        var task = ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, null, List.of("--release", "17", "-proc:only"), interfaces, null);
        task.setProcessors(List.of(new Writer(folder)));
        if (!task.call()) {
            throw new IllegalStateException("The compiler could not read " + interfaces);
        }
    }

    @SupportedAnnotationTypes("*")
    private static final class Writer extends AbstractProcessor {
        private final Path folder;

        Writer(Path folder) {
            this.folder = folder;
        }

        @Override
        public SourceVersion getSupportedSourceVersion() {
            return SourceVersion.latest();
        }

        @Override
        public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
            for (TypeElement type : ElementFilter.typesIn(round.getRootElements())) {
                DELEGATES.forEach((name, delegate) -> {
                    if (type.getQualifiedName().contentEquals(delegate.jdbc())) {
                        write(name, delegate, type);
                    }
                });
            }
            return false;
        }

        private void write(String name, Delegate delegate, TypeElement type) {
            StringBuilder source = new StringBuilder("package " + PACKAGE + ";\n\n");
            source.append("@SuppressWarnings({\"deprecation\", \"removal\", \"rawtypes\", \"unchecked\"})\n");
            source.append("@org.jspecify.annotations.NullUnmarked\n");
            source.append("abstract class ")
                    .append(name)
                    .append(delegate.header().startsWith("<") ? "" : " ")
                    .append(delegate.header())
                    .append(" implements ")
                    .append(delegate.jdbc())
                    .append(" {\n")
                    .append(constructor(name, delegate));
            for (ExecutableElement method : ElementFilter.methodsIn(type.getEnclosedElements())) {
                boolean byHand = BY_HAND.get(delegate.jdbc())
                        .contains(method.getSimpleName().toString());
                if (!byHand && !method.getModifiers().contains(Modifier.STATIC)) {
                    source.append(method(type, method));
                }
            }
            source.append("}\n");
            try {
                Path file = folder.resolve(name + ".java");
                if (!Files.exists(file) || !Files.readString(file).contentEquals(source)) {
                    Files.writeString(file, source);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static String constructor(String name, Delegate delegate) {
            String passed = delegate.parameters().stream()
                    .map(parameter -> parameter.substring(parameter.indexOf(' ') + 1))
                    .collect(Collectors.joining(", "));
            StringBuilder text = new StringBuilder("\n  " + name + "(" + String.join(", ", delegate.parameters())
                    + ") {\n    super(" + passed + ");\n  }\n");
            for (String type : delegate.wrappers()) {
                text.append("\n  abstract java.sql." + type + " guarded(java.sql." + type + " raw);\n");
            }
            return text.toString();
        }

        private static String method(TypeElement type, ExecutableElement method) {
            String name = method.getSimpleName().toString();
            List<String> parameters = new ArrayList<>();
            List<String> arguments = new ArrayList<>();
            for (VariableElement parameter : method.getParameters()) {
                String argument = "p" + arguments.size();
                parameters.add(parameter.asType() + " " + argument);
                arguments.add(argument);
            }
            String result = method.getReturnType().toString();
            String typeParameters = method.getTypeParameters().isEmpty()
                    ? ""
                    : method.getTypeParameters().stream()
                            .map(Object::toString)
                            .collect(Collectors.joining(", ", "<", "> "));
            if (takesText(type, name, parameters)) {
                arguments.set(0, "use.sent(p0)");
            }
            String call = executed(type, name, parameters, "raw()." + name + "(" + String.join(", ", arguments) + ")");
            String body = result.equals("void") ? call + ";" : "return " + wrapped(result, call) + ";";
            boolean checked = !method.getThrownTypes().isEmpty();
            String entry = checked ? entry(type, name, parameters) : "";
            String exit = entry.isEmpty() ? "" : " finally {\n      exit();\n    }";
            String thrown = checked ? " throws java.sql.SQLException" : "";
            String guarded = checked
                    ? entry + "    try {\n      " + body
                            + "\n    } catch (Throwable e) {\n      throw failed(e);\n    }" + exit + "\n"
                    : "    " + body + "\n";
            return "\n  @Override\n  public " + typeParameters + result + " " + name + "("
                    + String.join(", ", parameters) + ")" + thrown + " {\n" + guarded + "  }\n";
        }

        /** The call of the driver; what executes is sent by way of the port. */
        private static String executed(TypeElement type, String name, List<String> parameters, String call) {
            boolean executes = type.getSimpleName().toString().endsWith("Statement") && name.startsWith("execute");
            return executes ? "send(" + (hasText(parameters) ? "p0" : "prepared()") + ", () -> " + call + ")" : call;
        }

        /** Whether the first argument is the text of a caller's statement, to be sent as it is or with a comment. */
        private static boolean takesText(TypeElement type, String name, List<String> parameters) {
            return hasText(parameters)
                    && switch (type.getSimpleName().toString()) {
                        case "Connection" -> name.equals("prepareStatement");
                        case "Statement" -> name.startsWith("execute") || name.equals("addBatch");
                        default -> false;
                    };
        }

        private static boolean hasText(List<String> parameters) {
            return parameters.size() > 0 && parameters.get(0).equals("java.lang.String p0");
        }

        /** The call that comes first: none for what is local, else the taking of the turn. */
        private static String entry(TypeElement type, String name, List<String> parameters) {
            boolean sql = hasText(parameters);
            String owner = type.getSimpleName().toString();
            boolean statement = owner.endsWith("Statement");
            if (statement && name.startsWith("execute")) {
                return "    enterExecution(" + (sql ? "p0" : "null") + ");\n";
            }
            if (statement && name.equals("addBatch") && sql
                    || owner.equals("Connection") && name.startsWith("prepare")) {
                return "    enterWith(p0);\n";
            }
            boolean remembered = owner.endsWith("Statement") || owner.equals("ResultSet");
            if (remembered && LOCAL.matcher(name).matches() && !NOT_LOCAL.contains(name)) {
                return "";
            }
            return owner.equals("ResultSet") ? "    enterExecution(null);\n" : "    enter();\n";
        }

        private static String wrapped(String result, String call) {
            return switch (result) {
                case "java.sql.ResultSet" -> "guarded(" + call + ")";
                case "java.sql.Connection" -> "connection()";
                case "java.sql.Statement",
                        "java.sql.PreparedStatement",
                        "java.sql.CallableStatement",
                        "java.sql.DatabaseMetaData" -> "guarded(" + call + ")";
                default -> call;
            };
        }
    }
}
