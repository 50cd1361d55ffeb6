package dev.holdfast.tx.mutants;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** All that is broken on purpose. */
final class Mutants {
    private Mutants() {}

    static List<Mutant> all() {
        return Stream.of(
                        DialectMutants.all(),
                        DeclarationMutants.all(),
                        ErrorMutants.all(),
                        SettleMutants.all(),
                        ReplicaMutants.all(),
                        EngineMutants.all(),
                        PoolMutants.all(),
                        LockMutants.all())
                .flatMap(List::stream)
                .sorted(Comparator.comparing(Mutant::id))
                .toList();
    }

    /** Those that {@code -Dmutants.only} names, with commas; all if it names none. */
    static List<Mutant> chosen() {
        List<String> only = List.of(System.getProperty("mutants.only", "").split(","));
        return all().stream()
                .filter(mutant -> only.contains("") || only.contains(mutant.id()))
                .toList();
    }
}
