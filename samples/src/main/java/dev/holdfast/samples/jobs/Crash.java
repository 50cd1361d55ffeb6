package dev.holdfast.samples.jobs;

/** The end of a worker in the middle of a job. */
final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Crash(int worker, int job) {
        super("Worker " + worker + " crashed over job " + job);
    }
}
