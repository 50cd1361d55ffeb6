package dev.holdfast.tx.testkit.server;

/**
 * What cannot be gone anywhere.
 *
 * @param obstacle why
 */
record NoWay(String obstacle) implements Way {
    @Override
    public ServerUrl go() {
        throw new IllegalStateException(obstacle);
    }
}
