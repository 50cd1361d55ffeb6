package dev.holdfast.tx;

/**
 * Names a commit that a later read must have seen; its text may travel to another process, in a cookie or a message. It holds
 * no secret, and nothing that must not be changed: who makes one up reads later than they had to, or is refused.
 *
 * @param value dialect, database and the position of the commit; opaque
 */
public record CausalToken(String value) {
    /**
     * @throws IllegalArgumentException if the text is blank
     */
    public CausalToken {
        if (value.isBlank()) {
            throw new IllegalArgumentException("A causal token cannot be blank");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
