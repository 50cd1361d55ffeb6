package dev.holdfast.tx.faults;

import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.faults.Bank.Transfer;
import dev.holdfast.tx.testkit.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/**
 * Eight tellers make transfers while networks are cut at random packets, sessions killed and statements cancelled; then the
 * rows are held against what each call was told. Set by {@code -Dserver}, {@code -Dseed}, {@code -Dtransfers}; with {@code
 * -Dexhaustive=true} it is one transfer instead, again and again, with each of its packets lost in turn; with {@code
 * -Dfailover=true} a primary is killed instead, and its replica takes over; with {@code -Dfailover=waiting} while each
 * teller waits for the answer to COMMIT.
 *
 * <p>The seed decides what is broken where; which of two threads comes first it does not.
 */
public final class BankUnderFaults {
    private static final int TELLERS = 8;
    /** So many packets that did not come any more are the end. */
    private static final int BEYOND = 4;

    private static final TxOptions VERIFIABLE = TxOptions.none().verifiable();
    private static final TxOptions RETRIED =
            VERIFIABLE.retry(RetryPolicy.attempts(8).backoff(Duration.ofMillis(1), Duration.ofMillis(20)));

    private BankUnderFaults() {}

    /** Runs it; ends with 1 if anything is wrong. */
    public static void main(String[] none) throws Exception {
        String failover = System.getProperty("failover", "false");
        if (!failover.equals("false")) {
            System.exit(Failover.run(failover.equals("waiting")) ? 0 : 1);
        }
        Site site = Site.named(System.getProperty("server", "postgres"));
        site.makeMarkerTable();
        boolean good = Boolean.getBoolean("exhaustive") ? exhaustive(site) : random(site);
        System.exit(good ? 0 : 1); // servers of the tests' own have threads
    }

    private static boolean random(Site site) throws Exception {
        long seed = Long.getLong("seed", 1);
        int transfers = Integer.getInteger("transfers", 10_000);
        Bank bank = Bank.open(site);
        Ledger ledger = new Ledger();
        Settlements settlements = new Settlements();
        List<CompletableFuture<?>> working = new ArrayList<>();
        for (int teller = 0; teller < TELLERS; teller++) {
            int first = teller;
            working.add(Threads.run(() -> {
                try (Teller here = new Teller(site, settlements)) {
                    Random random = new Random(seed * TELLERS + first);
                    for (int id = first; id < transfers; id += TELLERS) {
                        Transfer transfer = Transfer.random(id, random);
                        ledger.write(id, here.make(transfer, random.nextInt(4) == 0 ? VERIFIABLE : RETRIED, random));
                    }
                }
            }));
        }
        for (CompletableFuture<?> one : working) {
            one.get();
        }
        Ledger.Sum sum = ledger.heldAgainst(bank);
        System.out.println(ledger.counts() + "; " + settlements);
        System.out.println("seed " + seed + ": " + sum.transfers() + " transfers, " + sum);
        return sum.isGood();
    }

    private static boolean exhaustive(Site site) throws Exception {
        Map<String, TxOptions> all = new LinkedHashMap<>();
        all.put("verifiable", VERIFIABLE);
        all.put("verifiable, tried again", RETRIED);
        all.put("not verifiable", TxOptions.none());
        boolean good = true;
        for (Map.Entry<String, TxOptions> options : all.entrySet()) {
            for (boolean reply : new boolean[] {false, true}) {
                Bank bank = Bank.open(site);
                Ledger ledger = new Ledger();
                Settlements settlements = new Settlements();
                int cuts = 0;
                try (Teller teller = new Teller(site, settlements)) {
                    int beyond = 0; // how one side's bytes fall into packets differs a little from run to run
                    for (int n = 1; beyond < BEYOND; n++) {
                        Transfer transfer = new Transfer(n, 1, 2, 5);
                        boolean was = teller.makeWithout(transfer, options.getValue(), n, reply, ledger);
                        beyond = was ? 0 : beyond + 1;
                        cuts += was ? 1 : 0;
                    }
                }
                Ledger.Sum sum = ledger.heldAgainst(bank);
                System.out.println(options.getKey() + ", " + (reply ? "answers" : "requests") + " lost: " + cuts
                        + " cuts, " + ledger.counts() + ", " + sum + "; " + settlements);
                good &= sum.isGood()
                        && (sum.unknown() == 0 || !options.getValue().isVerifiable());
            }
        }
        System.out.println(good ? "all as told" : "WRONG");
        return good;
    }
}
