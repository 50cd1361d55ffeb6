package dev.holdfast.tx.spi;

/**
 * How a setting of a session is read and put back as it was, where JDBC's getter tells less than its setter changes.
 *
 * @param read a query whose first column is the setting
 * @param write a statement or query with one parameter, a text, that puts it back
 */
public record SettingSql(String read, String write) {}
