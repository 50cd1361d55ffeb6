package dev.holdfast.tx.mutants;

import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;

/** Profiles that say something else. */
final class Profiles {
    private Profiles() {}

    /** A builder with all that a profile says. */
    static Profile.Builder copy(Profile profile) {
        Profile.Builder copy = Profile.of(profile.identity(), profile.flavour())
                .version(profile.major(), profile.minor())
                .defaultIsolation(profile.defaultIsolation())
                .features(profile.features().toArray(new Feature[0]));
        profile.levels().forEach((level, given) -> copy.level(level, given.nativeName(), given.model()));
        profile.options().forEach(copy::option);
        profile.facts().forEach(copy::fact);
        return copy;
    }
}
