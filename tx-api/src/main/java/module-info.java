/** What applications and dialect authors hold: the contracts of Holdfast, with no dependency at run time. */
@org.jspecify.annotations.NullMarked
module dev.holdfast.tx.api {
    requires static org.jspecify;
    requires transitive java.sql;

    exports dev.holdfast.tx;
    exports dev.holdfast.tx.spi;

    uses dev.holdfast.tx.spi.Dialect;
}
