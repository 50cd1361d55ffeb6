package dev.holdfast.tx.faults;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.faults.Bank.Transfer;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.net.URI;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Makes transfers, one after the other, on a pool of its own whose network, or driver where there is no network, breaks as a
 * random number says.
 */
final class Teller implements AutoCloseable {
    /** More than one attempt sends, or receives, in a whole transfer. */
    private static final int PACKETS = 9;

    private static final int CALLS = 24;

    private final Site site;
    private final @Nullable CountingProxy proxy;
    private final @Nullable ScriptedDataSource calls;
    private final @Nullable HikariDataSource pool;
    private final ExecutorService killer;
    final Transactor db;

    Teller(Site site, Settlements settlements) {
        this.site = site;
        DataSource source;
        if (site.hasNetwork()) {
            URI address = site.address();
            proxy = CountingProxy.before(address.getHost(), address.getPort());
            HikariConfig config = new HikariConfig();
            config.setDataSource(site.through(proxy.port()));
            config.setMaximumPoolSize(2);
            config.setMinimumIdle(0);
            config.setConnectionTimeout(10_000);
            pool = new HikariDataSource(config);
            calls = null;
            source = pool;
        } else {
            proxy = null;
            pool = null;
            calls = new ScriptedDataSource(site.sessions, Autocommit.ON, site.dialect.port(), List.of());
            source = calls;
        }
        db = Holdfast.builder(source)
                .dialect(site.dialect)
                .listener(settlements)
                .build();
        killer = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "killer");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Makes a transfer with whatever the random numbers break; answers what the call threw, or null. */
    @Nullable
    Throwable make(Transfer transfer, TxOptions options, Random random) {
        int kind = random.nextInt(100);
        int at = 1 + random.nextInt(4);
        if (kind < 20) {
            breakAt(1 + random.nextInt(proxy == null ? CALLS : PACKETS), kind < 10);
        }
        boolean kills = kind >= 20 && kind < 26;
        boolean session = kind < 23;
        Future<?>[] killed = new Future<?>[1];
        boolean[] first = {true};
        Throwable thrown = Facts.thrownBy(() -> db.execute(options, tx -> {
            boolean isFirst = first[0];
            first[0] = false;
            if (!kills || !isFirst) {
                transfer.make(tx, step -> {});
                return;
            }
            Runnable kill = site.killing(tx, session);
            if (at == 4) {
                tx.beforeCommit(() -> killed[0] = killer.submit(kill));
            }
            transfer.make(tx, step -> {
                if (step == at) {
                    killed[0] = killer.submit(kill);
                }
            });
        }));
        mend();
        await(killed[0]);
        return thrown;
    }

    /** Makes a transfer with the n-th packet of one side, or the n-th call of the driver, lost; says whether it was. */
    boolean makeWithout(Transfer transfer, TxOptions options, int n, boolean reply, Ledger ledger) {
        Facts.thrownBy(() -> db.execute(options, tx -> Sql.ints(tx, "select count(*) from bank_account")));
        int before = losses();
        breakAt(n, reply);
        ledger.write(transfer.id(), Facts.thrownBy(() -> db.execute(options, tx -> transfer.make(tx, step -> {}))));
        boolean was = losses() > before;
        mend();
        return was;
    }

    private int losses() {
        return proxy != null ? proxy.losses() : calls == null ? 0 : calls.fired();
    }

    private void breakAt(int n, boolean reply) {
        if (proxy != null && reply) {
            proxy.cutAtReply(n);
        } else if (proxy != null) {
            proxy.cutAtPacket(n);
        } else if (calls != null) {
            calls.play(reply ? Fault.losingAnswer(n) : Fault.dying(n));
        }
    }

    private void mend() {
        if (proxy != null) {
            proxy.disarm();
        } else if (calls != null) {
            calls.play(null);
        }
    }

    private static void await(@Nullable Future<?> killed) {
        if (killed == null) {
            return;
        }
        try {
            killed.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() throws SQLException {
        killer.shutdown();
        db.close();
        if (pool != null) {
            pool.close();
        }
        if (proxy != null) {
            proxy.close();
        }
        if (calls != null) {
            calls.close();
        }
    }
}
