/** Meters of transactions, for Micrometer. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.micrometer {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires transitive micrometer.core;

    exports dev.holdfast.tx.micrometer;
}
