package dev.holdfast.tx.benchmarks;

import com.sun.management.ThreadMXBean;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Transactions by hand and with Holdfast on the same pool, {@value #TURNS} of the one and {@value #TURNS} of the other in
 * turn: what else the machine does, and how the compiler took the driver's code, is then the same for both. What is
 * counted is the processor time and the allocation of the thread.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 3, time = 2)
public class TransactionBenchmark {
    private static final int TURNS = 200;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** What both took. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Cost {
        /** Transactions done in each way. */
        public long transactions;
        /** Processor time by hand. */
        public long nanosByHand;
        /** Processor time with Holdfast. */
        public long nanosHoldfast;
        /** Bytes allocated by hand. */
        public long bytesByHand;
        /** Bytes allocated with Holdfast. */
        public long bytesHoldfast;

        /** Called by JMH. */
        public Cost() {}
    }

    /** What the transactions run on. */
    @Param
    public Target target;

    /** What they do. */
    @Param
    public Scenario scenario;

    private HikariDataSource pool;
    private Transactor db;
    private ByHand byHand;
    private WithHoldfast holdfast;

    /** Called by JMH. */
    @SuppressWarnings("NullAway.Init") // by open()
    public TransactionBenchmark() {}

    /** Opens the pool. */
    @Setup
    public void open() throws SQLException {
        pool = target.pool();
        db = target.holdfast(pool).build();
        byHand = new ByHand(target, pool);
        holdfast = new WithHoldfast(db);
    }

    /** Closes the pool. */
    @TearDown
    public void close() {
        db.close();
        pool.close();
    }

    /** In turn; the score that JMH itself reports is the mean of both. */
    @Benchmark
    @OperationsPerInvocation(2 * TURNS)
    public long sideBySide(Cost cost) throws SQLException {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        long start = THREADS.getCurrentThreadCpuTime();
        long result = runByHand();
        long middle = THREADS.getCurrentThreadCpuTime();
        long bytesBetween = THREADS.getCurrentThreadAllocatedBytes();
        result += runHoldfast();
        cost.nanosHoldfast += THREADS.getCurrentThreadCpuTime() - middle;
        cost.bytesHoldfast += THREADS.getCurrentThreadAllocatedBytes() - bytesBetween;
        cost.nanosByHand += middle - start;
        cost.bytesByHand += bytesBetween - bytes;
        cost.transactions += TURNS;
        return result;
    }

    private long runByHand() throws SQLException {
        long result = 0;
        for (int i = 0; i < TURNS; i++) {
            result += scenario.run(byHand);
        }
        return result;
    }

    private long runHoldfast() throws SQLException {
        long result = 0;
        for (int i = 0; i < TURNS; i++) {
            result += scenario.run(holdfast);
        }
        return result;
    }
}
