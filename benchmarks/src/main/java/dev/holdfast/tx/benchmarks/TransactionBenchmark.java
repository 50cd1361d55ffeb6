package dev.holdfast.tx.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One transaction, by hand and with Holdfast, on the same pool. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class TransactionBenchmark {
    /** What the transactions run on. */
    @Param
    public Target target;

    private HikariDataSource pool;
    private Transactor db;
    private ByHand byHand;
    private WithHoldfast holdfast;

    /**
     * The processor time of the thread: unlike the time on the clock it does not count what other programs on the machine
     * take.
     */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Processor {
        private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

        /** Transactions done. */
        public long transactions;
        /** Nanoseconds they took. */
        public long nanos;

        private long start;

        /** Called by JMH. */
        public Processor() {}

        /** Before an iteration. */
        @Setup(Level.Iteration)
        public void start() {
            start = THREADS.getCurrentThreadCpuTime();
        }

        /** After an iteration. */
        @TearDown(Level.Iteration)
        public void stop() {
            nanos = THREADS.getCurrentThreadCpuTime() - start;
        }
    }

    /** Called by JMH. */
    @SuppressWarnings("NullAway.Init") // by open()
    public TransactionBenchmark() {}

    /** Opens the pool. */
    @Setup
    public void open() throws SQLException {
        pool = target.pool();
        db = target.holdfast(pool).build();
        byHand = new ByHand(pool);
        holdfast = new WithHoldfast(db);
    }

    /** Closes the pool. */
    @TearDown
    public void close() {
        db.close();
        pool.close();
    }

    /** One statement. */
    @Benchmark
    public int plainByHand(Processor processor) throws SQLException {
        processor.transactions++;
        return byHand.plain();
    }

    /** One statement. */
    @Benchmark
    public int plainHoldfast(Processor processor) {
        processor.transactions++;
        return holdfast.plain();
    }

    /** One query, read-only. */
    @Benchmark
    public long readOnlyByHand(Processor processor) throws SQLException {
        processor.transactions++;
        return byHand.readOnly();
    }

    /** One query, read-only. */
    @Benchmark
    public long readOnlyHoldfast(Processor processor) {
        processor.transactions++;
        return holdfast.readOnly();
    }

    /** One statement, and one in a savepoint. */
    @Benchmark
    public int nestedByHand(Processor processor) throws SQLException {
        processor.transactions++;
        return byHand.nested();
    }

    /** One statement, and one in a savepoint. */
    @Benchmark
    public int nestedHoldfast(Processor processor) {
        processor.transactions++;
        return holdfast.nested();
    }

    /** Two statements, each in a scope that joins. */
    @Benchmark
    public int joinedByHand(Processor processor) throws SQLException {
        processor.transactions++;
        return byHand.joined();
    }

    /** Two statements, each in a scope that joins. */
    @Benchmark
    public int joinedHoldfast(Processor processor) {
        processor.transactions++;
        return holdfast.joined();
    }

    /** One statement, and five actions after the commit. */
    @Benchmark
    public int fiveHooksByHand(Processor processor) throws SQLException {
        processor.transactions++;
        return byHand.fiveHooks();
    }

    /** One statement, and five actions after the commit. */
    @Benchmark
    public int fiveHooksHoldfast(Processor processor) {
        processor.transactions++;
        return holdfast.fiveHooks();
    }
}
