package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.TxOptions;
import java.util.ArrayList;
import java.util.List;

/** Nested scopes and what is done in them, as data. */
final class ScopeTree {
    /** How a scope is opened. */
    enum How {
        REUSE(Propagation.REUSE),
        SAVEPOINT(Propagation.SAVEPOINT),
        /** {@code nested(…)} of the handle. */
        NESTED(Propagation.SAVEPOINT),
        SEPARATE(Propagation.SEPARATE),
        MANDATORY(Propagation.MANDATORY),
        ROOT_ONLY(Propagation.ROOT_ONLY);

        final Propagation propagation;

        How(Propagation propagation) {
            this.propagation = propagation;
        }
    }

    /** Whether a scope is opened with the handle around it, or finds that by itself. */
    enum Through {
        HANDLE,
        AMBIENT
    }

    /** What becomes of an error. */
    enum Fate {
        CAUGHT,
        PASSES
    }

    /** Where a hook is registered. */
    enum Point {
        BEFORE_COMMIT,
        AFTER_COMMIT,
        AFTER_ROLLBACK,
        AFTER_COMPLETION
    }

    /** What a hook does, besides being seen. */
    enum Deed {
        NOTHING,
        THROW,
        /** Inserts a row; before the commit only, as the ones that follow. */
        WRITE,
        /** Inserts a row that is there already, and lets nobody know. */
        DUPLICATE,
        /** Calls setRollbackOnly on the current transaction. */
        ASK_FOR_ROLLBACK
    }

    /** One thing done in a scope. Numbers are unique in a tree. */
    sealed interface Item {}

    /** Inserts a row. */
    record Write(int id) implements Item {}

    /** Reads the rows of the tree. */
    record Read() implements Item {}

    /** Reads the rows of the tree outside of the transaction. */
    record ReadOutside() implements Item {}

    /** Inserts a row that is there already. */
    record Duplicate(Fate fate) implements Item {}

    /** Registers a hook. */
    record Register(Point point, int id, Deed deed) implements Item {}

    /** Calls setRollbackOnly on the handle of this scope, or of one so many scopes further out. */
    record AskForRollback(int outwards) implements Item {}

    /** Looks at isRollbackOnly of the handle of this scope, or of one so many scopes further out. */
    record LookAtRollbackOnly(int outwards) implements Item {}

    /** Throws. */
    record Raise(int id) implements Item {}

    /** Opens a scope. */
    record Open(Scope scope, Fate fate) implements Item {}

    /** A scope. */
    record Scope(int id, How how, Completion completion, Through through, List<Item> items) {
        Scope {
            items = List.copyOf(items);
        }

        TxOptions options() {
            TxOptions options =
                    how == How.REUSE ? TxOptions.none() : TxOptions.none().propagation(how.propagation);
            return completion == Completion.COMMIT ? options : options.completion(completion);
        }

        private Scope with(List<Item> changed) {
            return new Scope(id, how, completion, through, changed);
        }

        /** Every tree that lacks one item or the border of one scope, those that lack much first. */
        List<Scope> smaller() {
            List<Scope> all = new ArrayList<>();
            for (int i = 0; i < items.size(); i++) {
                all.add(with(replaced(i, List.of())));
            }
            for (int i = 0; i < items.size(); i++) {
                if (items.get(i) instanceof Open open) {
                    all.add(with(replaced(i, open.scope().items())));
                    for (Scope less : open.scope().smaller()) {
                        all.add(with(replaced(i, List.of(new Open(less, open.fate())))));
                    }
                }
            }
            return all;
        }

        private List<Item> replaced(int index, List<Item> by) {
            List<Item> changed = new ArrayList<>(items.subList(0, index));
            changed.addAll(by);
            changed.addAll(items.subList(index + 1, items.size()));
            return changed;
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            write(text, "");
            return text.toString();
        }

        private void write(StringBuilder text, String indent) {
            text.append("scope ").append(id).append(' ').append(how);
            text.append(completion == Completion.COMMIT ? "" : ", forced to roll back");
            text.append(through == Through.AMBIENT ? ", ambient" : "");
            for (Item item : items) {
                text.append('\n').append(indent).append("  ");
                if (item instanceof Open open) {
                    text.append(open.fate() == Fate.CAUGHT ? "catch around " : "");
                    open.scope().write(text, indent + "  ");
                } else {
                    text.append(item);
                }
            }
        }
    }

    private ScopeTree() {}
}
