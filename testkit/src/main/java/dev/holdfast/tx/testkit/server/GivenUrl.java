package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import org.jspecify.annotations.Nullable;

/** A server that the user names. */
final class GivenUrl implements Way {
    private final String variable;

    GivenUrl(String variable) {
        this.variable = variable;
    }

    @Override
    public @Nullable String obstacle() {
        return given().isEmpty() ? "the environment variable " + variable + " names no JDBC URL" : null;
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
        for (String parameter : url.substring(url.indexOf('?') + 1).split("&", -1)) {
            if (parameter.startsWith(name + "=")) {
                return URLDecoder.decode(parameter.substring(name.length() + 1), UTF_8);
            }
        }
        return "";
    }
}
