package dev.holdfast.tx.mysql;

/** The same on servers that end the whole transaction where a row was not had in time. */
class OutcomesWithRollbackOnTimeoutTest extends OutcomesOnServerTest {
    @Override
    String[] options() {
        return new String[] {"--innodb-rollback-on-timeout=ON"};
    }

    @Override
    boolean endsOnTimeout() {
        return true;
    }
}
