/** The engine: carries out what the API promises, on JDBC. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.engine {
    requires static org.jspecify;
    requires transitive dev.holdfast.tx.api;
    requires com.zaxxer.hikari;

    exports dev.holdfast.tx.engine;

    uses dev.holdfast.tx.spi.Dialect;
}
