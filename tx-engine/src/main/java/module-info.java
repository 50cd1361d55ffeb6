/** The engine: carries out what the API promises, on JDBC. */
@org.jspecify.annotations.NullMarked
@SuppressWarnings("module") // a module that is built on this one
module dev.holdfast.tx.engine {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires com.zaxxer.hikari;

    exports dev.holdfast.tx.engine;
    exports dev.holdfast.tx.engine.internal to
            dev.holdfast.tx.kotlin,
            dev.holdfast.tx.exposed;

    uses dev.holdfast.tx.spi.Dialect;
}
