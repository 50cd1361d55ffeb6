package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A server that the user names. It runs already, so it cannot be one with options. */
final class GivenUrl implements Way {
    private static final String SQL_SERVER = "jdbc:sqlserver:";
    private static final Pattern PROPERTY = Pattern.compile(";([^;=]+)=\\s*(?:\\{((?:[^}]|}})*+)}|([^;]*))");

    private final String variable;
    private final List<String> options;

    GivenUrl(String variable) {
        this(variable, List.of());
    }

    GivenUrl(String variable, List<String> options) {
        this.variable = variable;
        this.options = options;
    }

    @Override
    public @Nullable String obstacle() {
        if (given().isEmpty()) {
            return "the environment variable " + variable + " names no JDBC URL";
        }
        return options.isEmpty() ? null : "the server that " + variable + " names was not started with " + options;
    }

    @Override
    public ServerUrl go() {
        return parse(given());
    }

    private String given() {
        String url = System.getenv(variable);
        return url == null ? "" : url.strip();
    }

    static ServerUrl parse(String url) {
        return new ServerUrl(url, parameter("user", url), parameter("password", url));
    }

    private static String parameter(String name, String url) {
        if (url.regionMatches(true, 0, SQL_SERVER, 0, SQL_SERVER.length())) {
            return property(name, url);
        }
        for (String parameter : url.substring(url.indexOf('?') + 1).split("&", -1)) {
            if (parameter.startsWith(name + "=")) {
                return URLDecoder.decode(parameter.substring(name.length() + 1), UTF_8);
            }
        }
        return "";
    }

    /** Of SQL Server: in any case, the user by a second name, too, and in braces where the value has a semicolon. */
    private static String property(String name, String url) {
        Matcher property = PROPERTY.matcher(url);
        while (property.find()) {
            String found = property.group(1).strip();
            if (found.equalsIgnoreCase(name) || (name.equals("user") && found.equalsIgnoreCase("userName"))) {
                String braced = property.group(2);
                return braced != null
                        ? braced.replace("}}", "}")
                        : property.group(3).strip();
            }
        }
        return "";
    }
}
