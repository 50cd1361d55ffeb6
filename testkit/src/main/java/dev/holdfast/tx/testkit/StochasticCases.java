package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.testkit.fault.LostCommits;
import dev.holdfast.tx.testkit.history.Checker;
import dev.holdfast.tx.testkit.history.Findings;
import dev.holdfast.tx.testkit.history.History;
import dev.holdfast.tx.testkit.history.HistoryFile;
import dev.holdfast.tx.testkit.history.Recorded.Status;
import dev.holdfast.tx.testkit.history.Ring;
import dev.holdfast.tx.testkit.history.Workload;
import dev.holdfast.tx.testkit.history.Workload.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Many transactions at once, and what their histories show (STO). */
final class StochasticCases {
    private static final System.Logger LOGGER = System.getLogger("dev.holdfast.tx.testkit");

    /** What the transactions are drawn from; a soak draws its own where none is given. */
    static final String SEED = "holdfast.seed";

    /** Whether there is time for {@code STO-05}. */
    static final String SOAK = "holdfast.soak";

    /** Where the histories go. */
    static final String HISTORIES = "holdfast.histories";

    /** How long one case runs its load, at all its levels together. */
    private static final Duration QUICK = Duration.ofSeconds(5);

    private static final int QUICK_TRANSACTIONS = 3_000;
    private static final Duration SOAKING = Duration.ofSeconds(40);
    private static final int SOAK_TRANSACTIONS = 500_000;
    private static final int RING_TRANSACTIONS = 2_000;

    /** Under load a lock that is not had soon is part of a deadlock. */
    private static final Duration LOCK_WAIT = Duration.ofMillis(50);

    private static final int LEAST_COMMITTED = 200;
    private static final double LEAST_CONTENTION = 0.05;
    private static final int LOSES_ONE_IN = 40;
    private static final int LEAST_LOST = 5;

    /** The models under which a transaction that reads and then writes needs no lock to be right. */
    private static final Set<IsolationModel> KEEP_READS =
            EnumSet.of(IsolationModel.RR_LOCKING, IsolationModel.SI, IsolationModel.SER);

    private StochasticCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "STO-01", "TX-620", "registers under load show nothing that a level forbids", run -> {
                            Judge judge = new Judge(run, "STO-01");
                            List<Target> targets = different(run.profile());
                            for (Target target : targets) {
                                Workload load =
                                        Workload.ofRegisters(transactor(run), table(run, Mode.REGISTERS), seed());
                                judge.judge(target, load, QUICK_TRANSACTIONS, share(targets));
                            }
                            judge.conclude();
                        }),
                ConformanceCase.of("STO-02", "TX-620", "lists under load show nothing that a level forbids", run -> {
                    Judge judge = new Judge(run, "STO-02");
                    List<Target> targets = different(run.profile());
                    for (Target target : targets) {
                        String table = table(run, Mode.LISTS);
                        String appending = appending(run, table)
                                .orElseThrow(() -> new Untested("no way to append to a string was found"));
                        Workload load = Workload.ofLists(transactor(run), table, appending, seed());
                        judge.judge(target, load, QUICK_TRANSACTIONS, share(targets));
                    }
                    judge.conclude();
                }),
                ConformanceCase.of(
                        "STO-03",
                        "TX-621",
                        "commits whose answers are lost are told as unknown, and are there or not",
                        StochasticCases::lostCommits),
                ConformanceCase.of("STO-04", "TX-622", "a ring of rows stays whole under load", StochasticCases::ring),
                ConformanceCase.of("STO-05", "TX-620", "registers under load for a long time", run -> {
                    if (!Boolean.getBoolean(SOAK)) {
                        throw new Untested("it takes minutes; -D" + SOAK + "=true runs it");
                    }
                    Judge judge = new Judge(run, "STO-05");
                    for (Target target : usualAndStrongest(run.profile())) {
                        long seed = Long.getLong(SEED, System.nanoTime() & 0xffff_ffffL);
                        Workload load = Workload.ofRegisters(transactor(run), table(run, Mode.REGISTERS), seed);
                        judge.judge(target, load, SOAK_TRANSACTIONS, SOAKING);
                    }
                    judge.conclude();
                }));
    }

    private static void lostCommits(CaseRun run) throws Exception {
        Judge judge = new Judge(run, "STO-03");
        List<Target> targets = usualAndStrongest(run.profile());
        for (Target target : targets) {
            String lists = table(run, Mode.LISTS);
            Optional<String> appending = appending(run, lists);
            LostCommits lossy = new LostCommits(run.database().sessions(), seed(), LOSES_ONE_IN);
            Transactor losing =
                    run.transactor(EngineSetup.on(run.pool(lossy.sessions(), Workload.SESSIONS, Autocommit.ON)));
            Workload load = appending.isPresent()
                    ? Workload.ofLists(transactor(run), lists, appending.get(), seed())
                    : Workload.ofRegisters(transactor(run), table(run, Mode.REGISTERS), seed());
            judge.judge(target, load.through(losing), QUICK_TRANSACTIONS, share(targets), lossy);
        }
        judge.conclude();
    }

    private static void ring(CaseRun run) throws Exception {
        Judge judge = new Judge(run, "STO-04");
        List<Target> targets = usualAndStrongest(run.profile()).stream()
                .filter(one -> keepsReads(one) || run.has(Feature.LOCK_UPDATE))
                .toList();
        if (targets.isEmpty()) {
            throw new Untested("no level keeps what was read, and there are no row locks");
        }
        for (Target target : targets) {
            Transactor db = transactor(run);
            Ring ring = keepsReads(target)
                    ? Ring.ofReads(db, run.table(), seed())
                    : Ring.ofRowLocks(db, run.table(), seed());
            judge.judge(target, ring, waitingBriefly(run, db, TxOptions.of(target.isolation())), share(targets));
        }
        judge.conclude();
    }

    /** A level, and what the server makes of it. */
    private record Target(Isolation isolation, Level level) {
        IsolationModel model() {
            return level.model();
        }

        @Override
        public String toString() {
            return isolation + ", which is " + level.nativeName() + " and said to be " + level.model();
        }
    }

    private static boolean keepsReads(Target target) {
        return KEEP_READS.contains(target.model());
    }

    /** One level for each that the server really has, by the name that the server has for it where both have it. */
    private static List<Target> different(Profile profile) {
        Map<Level, Target> different = new LinkedHashMap<>();
        profile.levels().forEach((isolation, level) -> {
            boolean sameName = isolation.name().replace('_', ' ').equalsIgnoreCase(level.nativeName());
            if (sameName || !different.containsKey(level)) {
                different.put(level, new Target(isolation, level));
            }
        });
        return List.copyOf(different.values());
    }

    /** The default and the strongest level; one, if they are the same. */
    private static List<Target> usualAndStrongest(Profile profile) {
        List<Target> all = different(profile);
        Level usual = Objects.requireNonNull(profile.levels().get(profile.defaultIsolation()));
        Level strongest = all.stream()
                .map(Target::level)
                .max(Comparator.comparingInt(level -> level.model().prevented().size()))
                .orElseThrow();
        return all.stream()
                .filter(one -> one.level().equals(usual) || one.level().equals(strongest))
                .toList();
    }

    private static Duration share(List<Target> targets) {
        return Patience.of(QUICK).dividedBy(targets.size());
    }

    private static long seed() {
        return Long.getLong(SEED, 1);
    }

    /** On sessions that write down nothing: there is too much of it. */
    private static Transactor transactor(CaseRun run) throws SQLException {
        return run.transactor(EngineSetup.on(run.pool(run.database().sessions(), Workload.SESSIONS, Autocommit.ON)));
    }

    private static String table(CaseRun run, Mode mode) throws SQLException {
        return run.table(mode.columns());
    }

    private static Optional<String> appending(CaseRun run, String table) throws SQLException {
        return Workload.appending(run.database().sessions(), table);
    }

    /** With a short wait for locks, where that can be had and where there are deadlocks. */
    private static TxOptions waitingBriefly(CaseRun run, Transactor db, TxOptions options) {
        if (run.has(Feature.SINGLE_WRITER)) {
            return options;
        }
        TxOptions brief = options.lockTimeout(LOCK_WAIT);
        try {
            db.explain(brief);
            return brief;
        } catch (TxUnsupportedException e) {
            return options;
        }
    }

    /** Runs the loads of a case, keeps what they did, and says at the end what to think of it. */
    private static final class Judge {
        private final CaseRun run;
        private final String id;
        private final List<String> wrong = new ArrayList<>();
        private final List<String> vacuous = new ArrayList<>();

        Judge(CaseRun run, String id) {
            this.run = run;
            this.id = id;
        }

        void judge(Target target, Workload load, int transactions, Duration limit) throws Exception {
            judge(target, load, transactions, limit, null);
        }

        void judge(Target target, Workload load, int transactions, Duration limit, @Nullable LostCommits lossy)
                throws Exception {
            Transactor db = transactor(run);
            TxOptions options = TxOptions.of(target.isolation());
            Workload.Choice choice =
                    Workload.Choice.always(options).ifUnsorted(unsorted -> waitingBriefly(run, db, unsorted));
            if (run.has(Feature.SINGLE_WRITER) && run.has(Feature.READ_ONLY)) {
                choice = choice.ifReadOnly(TxOptions::readOnly); // else nothing reads while another one writes
            }
            String about = id + ", " + load + ", " + target.isolation() + " on "
                    + run.database().name();
            History history = load.run(about, transactions, limit, choice);
            Findings findings = Checker.check(history);
            String files = keep(target, history, findings);
            double contention = history.contention();
            run.note(target.isolation().name(), summary(history, findings, contention, load.failures()));
            unknown(target, history, findings, lossy);
            if (findings.refutes(target.model())) {
                wrong.add(target + ", does not allow this: " + findings + "\n" + files + "\n\n"
                        + findings.explain(target.model()));
            } else if (!findings.violations(target.model()).isEmpty()) {
                String finding = "rare, so that a race of the database explains it better than the dialect: " + findings
                        + "\n" + files + "\n\n" + findings.explain(target.model());
                run.note("database finding at " + target.isolation(), finding);
                LOGGER.log(System.Logger.Level.WARNING, id + ", database finding at " + target + ", " + finding);
            }
            contended(target, findings.committed(), contention, load.failures());
        }

        void judge(Target target, Ring ring, TxOptions options, Duration limit) throws Exception {
            String about = id + ", ring, " + target.isolation() + " on "
                    + run.database().name();
            History history = ring.run(about, RING_TRANSACTIONS, limit, options);
            double contention = history.contention();
            int committed = history.count(Status.OK);
            run.note(
                    target.isolation().name(),
                    history.count(Status.OK) + " committed, " + (int) (contention * 100) + " % contended, "
                            + ring.failures());
            contended(target, committed, contention, ring.failures());
        }

        /** Without lost answers nothing is unknown; with them, some of it was there and some was not. */
        private void unknown(Target target, History history, Findings findings, @Nullable LostCommits lossy) {
            int unknown = history.count(Status.UNKNOWN);
            int lost = lossy == null ? 0 : lossy.requests() + lossy.answers();
            if (unknown > lost) {
                wrong.add(target + ": " + unknown + " outcomes are told as unknown, and " + lost
                        + " commits were lost; an answer to COMMIT is not understood");
            }
            if (lossy == null) {
                return;
            }
            run.note(
                    "lost at " + target.isolation(),
                    lossy.requests() + " requests and " + lossy.answers() + " answers; " + unknown
                            + " unknown, of which " + findings.provenCommitted() + " were seen");
            if (lossy.requests() < LEAST_LOST
                    || lossy.answers() < LEAST_LOST
                    || findings.provenCommitted() == 0
                    || findings.provenCommitted() >= unknown) {
                vacuous.add(target + ": of " + unknown + " unknown outcomes " + findings.provenCommitted()
                        + " were seen; both kinds are needed");
            }
        }

        private void contended(Target target, int committed, double contention, Map<String, Integer> failures) {
            if (committed < LEAST_COMMITTED || contention < LEAST_CONTENTION) {
                vacuous.add(target + ": " + committed + " committed and " + (int) (contention * 100)
                        + " % of the transactions in contention say too little; not committed: " + failures);
            }
        }

        private static String summary(
                History history, Findings findings, double contention, Map<String, Integer> failures) {
            return findings + ", seed " + history.seed() + ", " + (int) (contention * 100) + " % contended, "
                    + new TreeMap<>(failures);
        }

        /** Keeps the history and its witnesses, before anything is concluded; a witness that is lost cannot be had again. */
        private String keep(Target target, History history, Findings findings) throws IOException {
            Path folder = Path.of(System.getProperty(HISTORIES, "target/conformance/histories"));
            String name = run.database().dialect().name() + "-" + id + "-" + target.isolation() + "-" + history.seed();
            Path file = HistoryFile.save(history, folder, name);
            if (findings.violations(target.model()).isEmpty()) {
                return "history: " + file;
            }
            Path witness = folder.resolve("history-" + name + ".txt");
            Files.writeString(witness, history + "\n" + findings + "\n\n" + findings.explain(target.model()) + "\n");
            return "history: " + file + "\nas Jepsen has it: " + HistoryFile.saveEdn(history, folder, name)
                    + "\nwitnesses: " + witness;
        }

        void conclude() {
            if (!wrong.isEmpty()) {
                throw new AssertionError(String.join("\n\n", wrong));
            }
            if (!vacuous.isEmpty()) {
                throw new Inconclusive(String.join("; ", vacuous));
            }
        }
    }
}
