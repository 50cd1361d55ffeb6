package dev.holdfast.tx.testkit.server;

/**
 * Where a test server is.
 *
 * @param url its JDBC URL; user and password are in it where the server wants them, so that it is enough alone
 * @param user the user, empty if the URL names none
 * @param password the user's password, empty if the URL names none
 */
public record ServerUrl(String url, String user, String password) {}
