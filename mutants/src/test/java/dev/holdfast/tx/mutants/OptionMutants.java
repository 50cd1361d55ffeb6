package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.asking;
import static dev.holdfast.tx.mutants.EngineMutants.handles;
import static dev.holdfast.tx.mutants.EngineMutants.postgres;
import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import java.time.Duration;
import java.util.List;

/** Engines that take options and ignore them. */
final class OptionMutants {
    private OptionMutants() {}

    static List<Mutant> all() {
        return List.of(
                postgres(
                        "M52",
                        "what a joined scope asks for is dropped",
                        asking(asked -> asked.inside() && asked.options().propagation() == null
                                ? TxOptions.none()
                                : asked.options()),
                        "OPT-11",
                        "expected a TxException, but saw null"),
                postgres(
                        "M67",
                        "the level that a joined scope asks for is dropped",
                        asking(asked -> asked.inside() && asked.options().isolation() != null
                                ? TxOptions.none()
                                : asked.options()),
                        "OPT-05",
                        "REPEATABLE_READ in READ_UNCOMMITTED: expected class"),
                sqlite(
                        "M68",
                        "an option that nobody knows is dropped",
                        asking(asked ->
                                asked.options().dialectOptions().isEmpty() ? asked.options() : TxOptions.none()),
                        "OPT-10",
                        "expected a TxUnsupportedException, but saw"),
                sqlite(
                        "M69",
                        "a handle tells the options asked for, not those in force",
                        handles(broken -> new BrokenTx(broken.tx(), broken.owner()) {
                            @Override
                            public TxOptions options() {
                                return TxOptions.none();
                            }
                        }),
                        "OPT-13",
                        "of the root: expected {isolation=SERIALIZABLE, label=default},"),
                sqlite(
                        "M84",
                        "the acquire timeout is taken and ignored",
                        asking(asked -> asked.options().acquireTimeout() == null
                                ? asked.options()
                                : asked.options().acquireTimeout(Duration.ofDays(1))),
                        "TMO-04",
                        "no limit is named by dev.holdfast.tx.TxException: The"),
                sqlite(
                        "M53",
                        "the whole timeout is taken and ignored",
                        asking(asked -> asked.options().wholeTimeout() == null ? asked.options() : TxOptions.none()),
                        "TMO-03",
                        "does not hold: a TxTimeoutException that names WHOLE: null"),
                sqlite(
                        "M55",
                        "the deadline of a retry is taken and ignored",
                        asking(asked -> {
                            RetryPolicy policy = asked.options().retry();
                            return policy == null
                                    ? asked.options()
                                    : asked.options().retry(policy.deadline(Duration.ofDays(1)));
                        }),
                        "RTY-06",
                        "attempts under a deadline that has passed after the first:"));
    }
}
