package dev.holdfast.tx.testkit;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Whatever may be asked of a server: each option alone, and any two together. */
final class OptionSets {
    private OptionSets() {}

    /** No option, and each value of each option alone; constraints are not named, for none is known to be there. */
    static List<TxOptions> alone(Profile profile) {
        TxOptions none = TxOptions.none();
        List<TxOptions> all = new ArrayList<>(List.of(
                none,
                none.readOnly(),
                none.readWrite(),
                none.readOnlyHint(),
                none.deferConstraints(),
                none.checkConstraintsImmediately(),
                none.lockTimeout(Duration.ofSeconds(7)),
                none.statementTimeout(Duration.ofSeconds(9)),
                none.wholeTimeout(Duration.ofSeconds(11)),
                none.verifiable()));
        for (Isolation level : Isolation.values()) {
            all.add(TxOptions.of(level));
        }
        for (BeginMode mode : BeginMode.values()) {
            all.add(none.beginMode(mode));
        }
        profile.options().forEach(option -> all.addAll(with(option)));
        return all;
    }

    /** Those, and any two of them together. */
    static List<TxOptions> aloneAndInPairs(Profile profile) {
        List<TxOptions> alone = alone(profile);
        Set<TxOptions> all = new LinkedHashSet<>(alone);
        for (TxOptions one : alone) {
            for (TxOptions other : alone) {
                if (one.overlay(other).equals(other.overlay(one))) {
                    all.add(one.overlay(other));
                }
            }
        }
        return List.copyOf(all);
    }

    /** A dialect's own option with each value that can be guessed from its type: none but for flags and enums. */
    static List<TxOptions> with(TxOption<?> option) {
        return values(option);
    }

    private static <T> List<TxOptions> values(TxOption<T> option) {
        List<T> values = new ArrayList<>();
        if (option.type() == Boolean.class) {
            values.add(option.type().cast(true));
            values.add(option.type().cast(false));
        }
        T[] constants = option.type().getEnumConstants();
        if (constants != null) {
            values.addAll(List.of(constants));
        }
        List<TxOptions> all = new ArrayList<>();
        for (T value : values) {
            try {
                all.add(TxOptions.none().with(option, value));
            } catch (IllegalArgumentException notTaken) {
                // the key takes some values of its type only
            }
        }
        return all;
    }

    /** What a dialect plans for these options on its primary; empty if it refuses them. */
    static Optional<TxPlan> planned(Dialect dialect, Profile profile, TxOptions options) {
        Wish wish = Wish.of(options.serverSide());
        try {
            Wish.Carry carry =
                    dialect.settlement(profile).map(Settlement::carry).orElse(Wish.Carry.TX_ID);
            return Optional.of(dialect.plan(options.isVerifiable() ? wish.carrying(carry) : wish, profile));
        } catch (TxUnsupportedException refused) {
            return Optional.empty();
        }
    }
}
