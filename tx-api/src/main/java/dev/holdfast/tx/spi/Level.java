package dev.holdfast.tx.spi;

/**
 * What a server makes of an isolation level.
 *
 * @param nativeName what the server calls the level it gives
 * @param model what it really is
 */
public record Level(String nativeName, IsolationModel model) {}
