/** Holdfast for coroutines, and with named arguments. */
module dev.holdfast.tx.kotlin {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.engine;
    requires transitive kotlin.stdlib;
    requires transitive kotlinx.coroutines.core;

    exports dev.holdfast.tx.kotlin;
}
