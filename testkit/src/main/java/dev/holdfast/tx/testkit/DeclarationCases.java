package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import java.lang.reflect.Modifier;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What a dialect declares is so, and it is no more than a declaration (DCL). */
final class DeclarationCases {
    private static final Identity FOREIGN =
            new Identity("Nowhere Database", "1.0", "Nowhere Driver", "1.0", "jdbc:nowhere://there/db", Autocommit.ON);

    private DeclarationCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(identity());
        all.addAll(levels());
        all.add(UndeclaredCase.undeclared());
        all.addAll(PurityCases.all());
        all.add(waitProbe());
        all.add(ConformanceCase.of("DCL-08", "TX-1309", "what is declared of this server is in the report", run -> {
            Profile profile = run.profile();
            run.note("server", profile.server());
            run.note(
                    "driver",
                    profile.identity().driver() + " " + profile.identity().driverVersion());
            run.note("features", profile.features());
            profile.levels()
                    .forEach((level, given) -> run.note(level.name(), given.nativeName() + ", " + given.model()));
            run.note("default level", profile.defaultIsolation());
            run.note("options", profile.options());
            run.characterised();
        }));
        all.addAll(eachFeature());
        return all;
    }

    // ---- what a dialect is

    private static List<ConformanceCase> identity() {
        return List.of(
                ConformanceCase.of(
                        "DCL-01", "TX-1301", "the dialect can be found and made by the service loader", run -> {
                            Dialect dialect = run.database().dialect();
                            Class<?> type = dialect.getClass();
                            holds(() -> Modifier.isPublic(type.getModifiers()), type + " is public");
                            equal(
                                    true,
                                    thrownBy(() -> type.getConstructor().newInstance()) == null,
                                    "whether " + type + " can be made by a public constructor without parameters");
                            List<String> found = new ArrayList<>();
                            ServiceLoader.load(Dialect.class, type.getClassLoader()).stream()
                                    .forEach(provider ->
                                            found.add(provider.type().getName()));
                            holds(
                                    () -> found.contains(type.getName()),
                                    type.getName() + " is provided as a service: " + found);
                            equal(dialect.name(), run.database().dialect().name(), "the name, asked again");
                            holds(
                                    () -> dialect.name().matches("[a-z][a-z0-9-]*"),
                                    "the name is short and of small letters: " + dialect.name());
                            holds(
                                    () -> dialect.spiLevel() >= 1 && dialect.spiLevel() <= Dialect.SPI_LEVEL,
                                    "SPI level " + dialect.spiLevel() + " is not above " + Dialect.SPI_LEVEL);
                        }),
                ConformanceCase.of(
                        "DCL-01b", "TX-1301", "the profile names the server, its version and its options", run -> {
                            Profile profile = run.profile();
                            holds(
                                    () -> profile.flavour().matches("\\S(.*\\S)?"),
                                    "a flavour: '" + profile.flavour() + "'");
                            holds(() -> profile.major() > 0, "a version: " + profile.server());
                            Set<String> names = new HashSet<>();
                            for (TxOption<?> option : profile.options()) {
                                holds(() -> names.add(option.name()), option + " is the name of one option only");
                                holds(
                                        () -> option.name().contains("."),
                                        option + " tells whose option it is, before a dot");
                            }
                            profile.levels()
                                    .forEach((level, given) -> holds(
                                            () -> !given.nativeName().isBlank(), "the server's own name of " + level));
                        }),
                ConformanceCase.of("DCL-02", "TX-1302", "what is declared contradicts itself nowhere", run -> {
                    equal(List.of(), FeatureGraph.contradictions(run.profile()), "features without what they need");
                    equal(
                            List.of(),
                            FeatureGraph.contradictions(run.database().dialect().typicalProfile()),
                            "the same of the typical profile");
                }),
                ConformanceCase.of(
                        "DCL-04", "TX-1304", "another product is not accepted, and its URLs get no advice", run -> {
                            Dialect dialect = run.database().dialect();
                            equal(Match.NO, dialect.accepts(FOREIGN), "the match with " + FOREIGN);
                            equal(Optional.empty(), dialect.advise(FOREIGN.url()), "the advice for " + FOREIGN.url());
                            equal(Optional.empty(), dialect.advise("nowhere"), "the advice for what is no JDBC URL");
                            holds(
                                    () -> dialect.accepts(run.profile().identity()) != Match.NO,
                                    "its own database is accepted");
                            holds(
                                    () -> dialect.accepts(
                                                    dialect.typicalProfile().identity())
                                            != Match.NO,
                                    "the database of its typical profile is accepted");
                            Optional<PoolAdvice> own =
                                    dialect.advise(run.profile().identity().url());
                            run.note("advice for its own URL", own.isPresent());
                            own.ifPresent(advice -> holds(() -> advice.size() > 0, "a pool has a size"));
                        }),
                ConformanceCase.of(
                        "DCL-04b",
                        "TX-1304",
                        "a data source of another product is refused, by name and at once",
                        run -> {
                            DataSource foreign = named(run.sessions(), FOREIGN);
                            TxException refusal = throwing(
                                    TxUnsupportedException.class, () -> run.transactor(EngineSetup.on(foreign)));
                            String message = String.valueOf(refusal.getMessage());
                            holds(() -> message.contains(FOREIGN.product()), "the product is named: " + message);
                            holds(() -> message.contains("; "), "what to do instead follows: " + message);
                        }));
    }

    /** Sessions that say they are of another product. */
    private static DataSource named(DataSource sessions, Identity identity) {
        return Wrapped.with(
                DataSource.class,
                sessions,
                (asked, session) -> session instanceof Connection connection
                        ? Wrapped.with(
                                Connection.class,
                                connection,
                                (wanted, data) -> data instanceof DatabaseMetaData real
                                        ? Wrapped.with(
                                                DatabaseMetaData.class,
                                                real,
                                                (name, answer) -> said(identity, name, answer))
                                        : data)
                        : session);
    }

    private static @Nullable Object said(Identity identity, String asked, @Nullable Object answer) {
        return switch (asked) {
            case "getDatabaseProductName" -> identity.product();
            case "getDatabaseProductVersion" -> identity.productVersion();
            case "getDriverName" -> identity.driver();
            case "getDriverVersion" -> identity.driverVersion();
            case "getURL" -> identity.url();
            default -> answer;
        };
    }

    // ---- levels

    private static List<ConformanceCase> levels() {
        return List.of(
                ConformanceCase.of(
                        "DCL-02b", "TX-1303", "no level is declared to be less than its name promises", run -> {
                            equal(
                                    List.of(),
                                    FeatureGraph.brokenPromises(run.profile()),
                                    "levels that promise too much");
                            equal(
                                    List.of(),
                                    FeatureGraph.brokenPromises(
                                            run.database().dialect().typicalProfile()),
                                    "the same of the typical profile");
                        }),
                ConformanceCase.of(
                        "DCL-02c",
                        "TX-1303",
                        "the level declared as the default is that of a session left alone",
                        run -> {
                            Isolation declared = run.profile().defaultIsolation();
                            try (Connection session = run.sessions().getConnection()) {
                                Levels.requireReported(run, session, declared);
                            }
                        }),
                ConformanceCase.of(
                        "DCL-02d",
                        "TX-1303",
                        "a level that is given under the name of another is given with a note",
                        run -> {
                            Profile profile = run.profile();
                            Map<Isolation, TxPlan> plans = new EnumMap<>(Isolation.class);
                            profile.levels()
                                    .keySet()
                                    .forEach(level -> OptionSets.planned(
                                                    run.database().dialect(), profile, TxOptions.of(level))
                                            .ifPresent(plan -> plans.put(level, plan)));
                            equal(profile.levels().keySet(), plans.keySet(), "levels with a plan");
                            for (Level given : new HashSet<>(profile.levels().values())) {
                                List<Isolation> sharing = profile.levels().keySet().stream()
                                        .filter(level ->
                                                given.equals(profile.levels().get(level)))
                                        .toList();
                                long silent = sharing.stream()
                                        .filter(level -> Objects.requireNonNull(plans.get(level)).notes().stream()
                                                .noneMatch(note -> note.contains(given.nativeName())))
                                        .count();
                                holds(
                                        () -> silent <= 1,
                                        "of " + sharing + ", which are all given as " + given.nativeName()
                                                + ", all but one have a note that says so");
                            }
                        }),
                ConformanceCase.of("DCL-09", "TX-1308", "what is explained is what is planned, with its notes", run -> {
                    Dialect dialect = run.database().dialect();
                    SentLog sent = new SentLog();
                    DataSource pool = sent.of(run.pool(1));
                    Profile profile = LiveProfile.asked(dialect, pool).profile();
                    var db = run.transactor(EngineSetup.on(pool));
                    sent.clear();
                    for (TxOptions options : OptionSets.alone(profile)) {
                        TxPlan plan =
                                OptionSets.planned(dialect, profile, options).orElse(null);
                        if (plan == null) {
                            throwing(TxUnsupportedException.class, () -> db.explain(options));
                            continue;
                        }
                        String text = db.explain(options);
                        List<String> parts = new ArrayList<>(plan.notes());
                        for (Message message :
                                List.of(plan.begin(), plan.commit().message(), plan.abort())) {
                            message.steps().forEach(step -> parts.add(step.toString()));
                        }
                        for (String part : parts) {
                            holds(
                                    () -> text.contains(part),
                                    "'" + part + "' is in what is explained of " + options + ": " + text);
                        }
                    }
                    equal(List.of(), sent.lines(), "connections taken and statements sent");
                }));
    }

    // ---- the probe for waits

    private static ConformanceCase waitProbe() {
        return ConformanceCase.of(
                "DCL-06",
                "TX-1311",
                "the hook for lock waits tells a session that waits from those that do not",
                run -> {
                    TestHooks hooks = run.hooks();
                    String id = hooks.sessionId();
                    String isWaiting = hooks.isWaiting();
                    if (id == null || isWaiting == null) {
                        run.note(
                                "lock waits",
                                "the dialect's test hooks name none: tests wait for a quiet time instead");
                        run.characterised();
                        return;
                    }
                    String table = run.table();
                    run.observe("insert into " + table + " values (1, 0)");
                    String change = "update " + table + " set v = v + 1 where id = 1";
                    try (Connection holder = run.sessions().getConnection();
                            Connection waiter = run.sessions().getConnection();
                            Connection idle = run.sessions().getConnection()) {
                        holder.setAutoCommit(false);
                        waiter.setAutoCommit(false);
                        String holding = one(holder, id);
                        String waiting = one(waiter, id);
                        String resting = one(idle, id);
                        waiter.rollback();
                        execute(holder, change);
                        CompletableFuture<@Nullable Void> blocked = Threads.run(() -> execute(waiter, change));
                        long end = System.nanoTime()
                                + Patience.of(Duration.ofSeconds(10)).toNanos();
                        boolean seen = false;
                        while (!seen && !blocked.isDone() && System.nanoTime() < end) {
                            seen = waits(run, isWaiting, waiting);
                        }
                        boolean told = seen;
                        boolean free = blocked.isDone();
                        boolean holderTold = waits(run, isWaiting, holding);
                        boolean idleTold = waits(run, isWaiting, resting);
                        holder.commit();
                        blocked.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                        boolean stillTold = waits(run, isWaiting, waiting);
                        waiter.rollback();
                        if (free && !told) {
                            throw new Inconclusive("the second writer of a row did not wait for the first");
                        }
                        holds(() -> told, "the hook tells that a session waits which does");
                        holds(() -> !holderTold, "the hook does not tell that the holder of the lock waits");
                        holds(() -> !idleTold, "the hook does not tell that an idle session waits");
                        holds(
                                () -> !stillTold,
                                "the hook does not tell that a session waits which has what it waited for");
                    }
                });
    }

    private static boolean waits(CaseRun run, String isWaiting, String session) throws SQLException {
        return !run.observed(isWaiting.replace("{session}", session)).isEmpty();
    }

    private static String one(Connection session, String query) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            holds(
                    () -> thrownBy(() -> equal(true, row.next(), "a row")) == null,
                    "the hook for session ids answers a row");
            return row.getString(1);
        }
    }

    static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    // ---- declared, or refused

    private static List<ConformanceCase> eachFeature() {
        List<ConformanceCase> all = new ArrayList<>();
        for (Isolation level : Isolation.values()) {
            all.add(ConformanceCase.of(
                    "DCL-U-" + level,
                    "TX-1312",
                    "the level is declared and given, or refused",
                    Needs.of(level),
                    run -> {
                        Ask.of(level).isGiven(run);
                    }));
        }
        for (Feature feature : Feature.values()) {
            if (Ask.canAskFor(feature)) {
                String title = words(feature) + ": declared and given, or refused";
                all.add(ConformanceCase.of("DCL-U-" + feature, "TX-1312", title, feature, run -> {
                    Ask.of(feature).isGiven(run);
                }));
            }
        }
        all.add(ConformanceCase.of(
                "DCL-U-" + Feature.SAVEPOINT_RELEASE,
                "TX-1312",
                "a release of savepoints is declared and sent, or nothing is sent for it",
                run -> {
                    if (!run.has(Feature.SAVEPOINTS)) {
                        equal(false, run.has(Feature.SAVEPOINT_RELEASE), "a release without savepoints");
                        return;
                    }
                    Message release =
                            run.database().dialect().savepoints(run.profile()).release("hf_1");
                    equal(
                            run.has(Feature.SAVEPOINT_RELEASE),
                            !release.isEmpty(),
                            "whether something is sent: " + release);
                    Ask.of(Feature.SAVEPOINTS).isGiven(run);
                }));
        all.add(ConformanceCase.of(
                "DCL-U-" + Feature.TRANSACTIONAL_DDL,
                "TX-1312",
                "DDL that is declared to be transactional is rolled back",
                run -> {
                    try (Connection session = run.sessions().getConnection()) {
                        session.setAutoCommit(false);
                        boolean gone = UndeclaredCase.isTransactional(run, session);
                        run.note("DDL is rolled back", gone);
                        equal(true, gone || !run.has(Feature.TRANSACTIONAL_DDL), "whether DDL is rolled back");
                    }
                }));
        all.add(ConformanceCase.of(
                "DCL-U-" + Feature.SINGLE_WRITER,
                "TX-1312",
                "where one transaction can write at a time a second one waits, and elsewhere it does not",
                DeclarationCases::writers));
        all.add(ConformanceCase.of(
                "DCL-U-" + Feature.REPLICAS,
                "TX-1312",
                "where replicas are declared the dialect says how they are read from, and elsewhere they are refused",
                ReplicaCases::declared));
        all.add(ConformanceCase.of(
                "DCL-U-" + Feature.CAUSAL_READS,
                "TX-1312",
                "where causal reads are declared a token is given and taken, and elsewhere both are refused",
                ReplicaCases::positions));
        return all;
    }

    private static String words(Feature feature) {
        return feature.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static void writers(CaseRun run) throws Exception {
        String one = run.table();
        String other = run.table();
        TxOptions soon =
                run.has(Feature.LOCK_TIMEOUT) ? TxOptions.none().lockTimeout(Duration.ofMillis(200)) : TxOptions.none();
        try (Connection first = run.sessions().getConnection()) {
            var db = run.transactor(EngineSetup.on(run.pool(1)));
            first.setAutoCommit(false);
            execute(first, "insert into " + one + " values (1, 0)");
            if (run.has(Feature.SINGLE_WRITER)) {
                holds(
                        () -> thrownBy(() -> db.execute(soon, tx -> insert(tx, other, 1))) instanceof SQLException,
                        "a second writer does not get through while the first is open");
                first.rollback();
                db.execute(tx -> insert(tx, other, 1));
            } else {
                db.execute(tx -> insert(tx, other, 1)); // while the first is open
                first.rollback();
            }
        }
        equal(List.of(1), run.ids(other), "committed rows");
    }
}
