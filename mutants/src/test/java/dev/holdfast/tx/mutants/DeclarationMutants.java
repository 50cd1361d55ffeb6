package dev.holdfast.tx.mutants;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Dialects that say what is not so, or do more than they say. */
final class DeclarationMutants {
    private static final TxOption<Boolean> NOTHING = TxOption.of("postgres.nothing", Boolean.class);

    private DeclarationMutants() {}

    static List<Mutant> all() {
        return Stream.of(declared(), refused(), planned()).flatMap(List::stream).toList();
    }

    private static Mutant postgres(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "PostgreSQL", () -> Databases.postgres().withDialect(change), killer, says);
    }

    private static Mutant sqlite(String id, String what, UnaryOperator<Dialect> change, String killer, String says) {
        return new Mutant(id, what, "SQLite", () -> Databases.sqlite().withDialect(change), killer, says);
    }

    private static UnaryOperator<Dialect> declaring(UnaryOperator<Profile.Builder> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public Profile profile(Identity identity, Answers answers) {
                return change.apply(Profiles.copy(super.profile(identity, answers)))
                        .build();
            }
        };
    }

    private static UnaryOperator<Dialect> planning(UnaryOperator<TxPlan> change) {
        return good -> new BrokenDialect(good) {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                return change.apply(super.plan(wish, profile));
            }
        };
    }

    /** The dialect refuses as before, in other words. */
    private static UnaryOperator<Dialect> refusing(UnaryOperator<String> words) {
        return good -> new BrokenDialect(good) {
            @Override
            public TxPlan plan(Wish wish, Profile profile) {
                try {
                    return super.plan(wish, profile);
                } catch (TxUnsupportedException e) {
                    throw new TxUnsupportedException(words.apply(String.valueOf(e.getMessage())));
                }
            }
        };
    }

    private static List<Mutant> declared() {
        return List.of(
                sqlite("M101", "no service loader could make the dialect", BrokenDialect::new, "DCL-01", "is public"),
                sqlite(
                        "M127",
                        "the version of the server is not looked at",
                        declaring(profile -> profile.version(0, 0)),
                        "DCL-01b",
                        "a version"),
                sqlite(
                        "M102",
                        "ways of locking are declared without a lock",
                        declaring(profile -> profile.without(Feature.LOCK_UPDATE)),
                        "DCL-02",
                        "LOCK_OF needs LOCK_UPDATE"),
                postgres(
                        "M103",
                        "SERIALIZABLE is declared to be snapshot isolation",
                        declaring(profile -> profile.level(Isolation.SERIALIZABLE, "SERIALIZABLE", IsolationModel.SI)),
                        "DCL-02b",
                        "WRITE_SKEW"),
                postgres(
                        "M104",
                        "the default level is another than the server's",
                        declaring(profile -> profile.defaultIsolation(Isolation.SERIALIZABLE)),
                        "DCL-02c",
                        "nothing says so"),
                postgres(
                        "M105",
                        "a level is given as another without a word",
                        planning(plan -> new TxPlan(plan.begin(), plan.commit(), plan.abort(), List.of())),
                        "DCL-02d",
                        "have a note"),
                sqlite(
                        "M106",
                        "every database is accepted",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Match accepts(Identity identity) {
                                return Match.FAMILY;
                            }
                        },
                        "DCL-04",
                        "expected NO"),
                sqlite(
                        "M107",
                        "every URL gets advice",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Optional<PoolAdvice> advise(String url) {
                                return Optional.of(PoolAdvice.ofSize(1));
                            }
                        },
                        "DCL-04",
                        "the advice for"),
                postgres(
                        "M108",
                        "the hook for lock waits says yes to everything",
                        good -> new BrokenDialect(good) {
                            @Override
                            public TestHooks testHooks(Profile profile) {
                                return super.testHooks(profile).isWaiting("select 1 where {session} > 0");
                            }
                        },
                        "DCL-06",
                        "holder of the lock"),
                postgres(
                        "M109",
                        "the hook for lock waits says no to everything",
                        good -> new BrokenDialect(good) {
                            @Override
                            public TestHooks testHooks(Profile profile) {
                                return super.testHooks(profile).isWaiting("select 1 where {session} < 0");
                            }
                        },
                        "DCL-06",
                        "a session waits which does"),
                postgres(
                        "M110",
                        "an option is declared and does nothing",
                        declaring(profile -> profile.option(NOTHING)),
                        "OPT-14",
                        "postgres.nothing=true}"),
                postgres(
                        "M126",
                        "a transaction that asks for no level has not the declared one",
                        declaring(profile -> profile.defaultIsolation(Isolation.SERIALIZABLE)),
                        "OPT-06",
                        "nothing says so"),
                postgres(
                        "M111",
                        "one writer at a time is declared where there are many",
                        declaring(profile -> profile.features(Feature.SINGLE_WRITER)),
                        "DCL-U-SINGLE_WRITER",
                        "does not get through"),
                sqlite(
                        "M112",
                        "a release of savepoints is sent and not declared",
                        declaring(profile -> profile.without(Feature.SAVEPOINT_RELEASE)),
                        "DCL-U-SAVEPOINT_RELEASE",
                        "whether something is sent"));
    }

    private static List<Mutant> refused() {
        return List.of(
                sqlite(
                        "M113",
                        "READ_ONLY is not declared, and given",
                        declaring(profile -> profile.without(Feature.READ_ONLY)),
                        "DCL-U-READ_ONLY",
                        "TxUnsupportedException"),
                sqlite(
                        "M114",
                        "SKIP LOCKED is declared, and refused",
                        declaring(profile -> profile.features(Feature.LOCK_SKIP_LOCKED)),
                        "DCL-U-LOCK_SKIP_LOCKED",
                        "refuses SKIP LOCKED"),
                postgres(
                        "M115",
                        "a level is not declared, and given",
                        good -> new BrokenDialect(good) {
                            @Override
                            public Profile profile(Identity identity, Answers answers) {
                                Profile real = super.profile(identity, answers);
                                Profile.Builder copy = Profile.of(real.identity(), real.flavour())
                                        .version(real.major(), real.minor())
                                        .defaultIsolation(real.defaultIsolation())
                                        .features(real.features().toArray(new Feature[0]));
                                real.levels().forEach((level, given) -> {
                                    if (level != Isolation.SNAPSHOT) {
                                        copy.level(level, given.nativeName(), given.model());
                                    }
                                });
                                real.facts().forEach(copy::fact);
                                return copy.build();
                            }

                            @Override
                            public TxPlan plan(Wish wish, Profile profile) {
                                return wish.options().isolation() == Isolation.SNAPSHOT
                                        ? super.plan(
                                                Wish.of(wish.options().isolation(Isolation.REPEATABLE_READ)), profile)
                                        : super.plan(wish, profile);
                            }
                        },
                        "DCL-U-SNAPSHOT",
                        "TxUnsupportedException"),
                postgres(
                        "M116",
                        "a refusal does not name what was asked for",
                        refusing(words -> words.replace("beginMode=IMMEDIATE", "this")),
                        "DCL-U-BEGIN_MODE",
                        "begin mode"),
                postgres(
                        "M117",
                        "a refusal does not name the server",
                        refusing(words -> words.replace("PostgreSQL", "The server")),
                        "DCL-U-BEGIN_MODE",
                        "names PostgreSQL"),
                sqlite(
                        "M118",
                        "a refusal does not say what to do instead",
                        refusing(words -> words.replaceFirst("; .*", "")),
                        "DCL-U-IMMEDIATE_CONSTRAINTS",
                        "what to do instead"),
                sqlite(
                        "M119",
                        "what is not declared is found out by asking the server",
                        good -> new BrokenDialect(good) {
                            @Override
                            public TxPlan plan(Wish wish, Profile profile) {
                                if (wish.options().constraints() == null) {
                                    return super.plan(wish, profile);
                                }
                                return Plans.beginAnd(
                                        super.plan(Wish.of(wish.options().deferConstraints()), profile),
                                        Step.sql("SET CONSTRAINTS ALL IMMEDIATE"));
                            }
                        },
                        "DCL-U-IMMEDIATE_CONSTRAINTS",
                        "TxUnsupportedException"));
    }

    private static List<Mutant> planned() {
        return List.of(
                postgres(
                        "M120",
                        "the dialect looks something up in each transaction",
                        planning(plan -> Plans.beginAnd(plan, new Step.Native("nothing", connection -> {
                            try (Statement statement = connection.createStatement()) {
                                statement.execute("select 1");
                            }
                        }))),
                        "DCL-07",
                        "but saw"),
                sqlite(
                        "M121",
                        "a setting is not put back at a commit",
                        planning(plan -> Plans.endWithout(plan, Plans.saying("busy_timeout={"))),
                        "DCL-10",
                        "left in the session"),
                sqlite(
                        "M122",
                        "an abort is right in an open transaction only",
                        planning(plan ->
                                Plans.withAbort(plan, Plans.without(plan.abort(), Plans.saying("SAVEPOINT hf_abort")))),
                        "DCL-10b",
                        "no transaction is active"),
                sqlite(
                        "M123",
                        "an abort commits",
                        planning(plan -> Plans.withAbort(
                                plan, Plans.rewritten(plan.abort(), text -> text.replace("ROLLBACK", "COMMIT")))),
                        "DCL-10c",
                        "rows left"),
                postgres(
                        "M124",
                        "an abort that sends statements fails in a transaction that has failed",
                        planning(plan -> Plans.withAbort(
                                plan,
                                new Message(
                                        plan.abort().travel(),
                                        Stream.concat(Stream.of(Step.sql("select 1")), plan.abort().steps().stream())
                                                .toList()))),
                        "DCL-10d",
                        "25P02"));
    }
}
