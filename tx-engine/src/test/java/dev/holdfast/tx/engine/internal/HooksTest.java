package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HooksTest {
    private static final Outcome COMMITTED = new Outcome.Committed();
    private static final Outcome.RolledBack ROLLED_BACK = new Outcome.RolledBack(Reason.REQUESTED, null);
    private static final Outcome UNKNOWN = new Outcome.Unknown(new Exception("lost"));

    private final List<String> log = new ArrayList<>();

    /** Hooks of all four kinds; each logs its name. */
    private Hooks all(String name) {
        Hooks hooks = new Hooks();
        hooks.beforeCommit(() -> log.add(name + " before"));
        hooks.afterCommit(() -> log.add(name + " committed"));
        hooks.afterRollback(() -> log.add(name + " rolled back"));
        hooks.afterCompletion(outcome -> log.add(name + " " + outcome.getClass().getSimpleName()));
        return hooks;
    }

    private static void fireBeforeCommit(Hooks hooks) throws Exception {
        for (Hook hook = hooks.nextBeforeCommit(); hook != null; hook = hooks.nextBeforeCommit()) {
            hook.fire();
        }
    }

    /** Fires what is due, and answers what was thrown. */
    private static List<Throwable> fireAfter(Hooks hooks, Outcome outcome) {
        List<Throwable> failed = new ArrayList<>();
        for (DueHook due = hooks.nextAfter(outcome); due != null; due = hooks.nextAfter(outcome)) {
            try {
                due.fire();
            } catch (Throwable e) {
                failed.add(e);
            }
        }
        return failed;
    }

    @Test
    void before_commit_only_those_hooks_fire_in_the_order_of_registration() throws Exception {
        Hooks hooks = all("a");
        hooks.beforeCommit(() -> log.add("b before"));
        fireBeforeCommit(hooks);
        assertThat(log).containsExactly("a before", "b before");
    }

    @Test
    void after_a_commit_those_for_it_fire_and_those_for_any_end() {
        assertThat(fireAfter(all("a"), COMMITTED)).isEmpty();
        assertThat(log).containsExactly("a committed", "a Committed");
    }

    @Test
    void after_a_rollback_those_for_it_fire_and_those_for_any_end() {
        assertThat(fireAfter(all("a"), ROLLED_BACK)).isEmpty();
        assertThat(log).containsExactly("a rolled back", "a RolledBack");
    }

    @Test
    void after_an_end_that_is_not_known_only_those_for_any_end_fire() {
        assertThat(fireAfter(all("a"), UNKNOWN)).isEmpty();
        assertThat(log).containsExactly("a Unknown");
    }

    @Test
    void the_first_hook_that_fails_before_commit_ends_it() {
        Hooks hooks = new Hooks();
        hooks.beforeCommit(() -> {
            throw new Exception("first");
        });
        hooks.beforeCommit(() -> log.add("second"));
        assertThatThrownBy(() -> fireBeforeCommit(hooks)).hasMessage("first");
        assertThat(log).isEmpty();
    }

    @Test
    void a_hook_that_fails_after_the_end_stops_no_other_whatever_it_throws() {
        Hooks hooks = new Hooks();
        Exception checked = new Exception("checked");
        Error error = new AssertionError("error");
        hooks.afterCommit(() -> {
            throw checked;
        });
        hooks.afterCompletion(outcome -> {
            throw error;
        });
        hooks.afterCommit(() -> log.add("last"));
        assertThat(fireAfter(hooks, COMMITTED)).containsExactly(checked, error);
        assertThat(log).containsExactly("last");
    }

    @Test
    void hooks_of_a_released_savepoint_take_the_place_of_its_end() throws Exception {
        Hooks root = new Hooks();
        root.afterCommit(() -> log.add("root first"));
        root.adopt(all("inner"));
        root.afterCommit(() -> log.add("root last"));
        fireBeforeCommit(root);
        assertThat(fireAfter(root, COMMITTED)).isEmpty();
        assertThat(log)
                .containsExactly("inner before", "root first", "inner committed", "inner Committed", "root last");
    }

    @Test
    void of_a_savepoint_that_was_rolled_back_only_hooks_that_are_about_that_remain() throws Exception {
        Hooks root = new Hooks();
        root.adopt(all("inner"), ROLLED_BACK);
        fireBeforeCommit(root);
        assertThat(fireAfter(root, COMMITTED)).isEmpty();
        assertThat(log).containsExactly("inner rolled back", "inner RolledBack");
    }

    @Test
    void a_savepoint_that_was_rolled_back_stays_so_when_the_one_around_it_is_rolled_back_too() {
        List<Outcome> told = new ArrayList<>();
        Hooks inner = new Hooks();
        inner.afterCompletion(told::add);
        Hooks middle = new Hooks();
        middle.adopt(inner, ROLLED_BACK);
        Hooks root = new Hooks();
        root.adopt(middle, new Outcome.RolledBack(Reason.BODY_FAILED, null));
        assertThat(fireAfter(root, UNKNOWN)).isEmpty();
        assertThat(told).containsExactly(ROLLED_BACK);
    }

    @Test
    void a_savepoint_that_was_released_is_rolled_back_with_the_one_around_it() {
        List<Outcome> told = new ArrayList<>();
        Hooks inner = new Hooks();
        inner.afterCompletion(told::add);
        inner.afterCommit(() -> log.add("never"));
        Hooks middle = new Hooks();
        middle.adopt(inner);
        Hooks root = new Hooks();
        root.adopt(middle, ROLLED_BACK);
        assertThat(fireAfter(root, COMMITTED)).isEmpty();
        assertThat(told).containsExactly(ROLLED_BACK);
        assertThat(log).isEmpty();
    }

    @Test
    void a_hook_that_a_hook_registers_fires_in_the_same_round_after_those_that_were_there() {
        Hooks hooks = new Hooks();
        hooks.afterCommit(() -> hooks.afterCommit(() -> hooks.afterCompletion(outcome -> log.add("third"))));
        hooks.afterCommit(() -> log.add("first"));
        assertThat(fireAfter(hooks, COMMITTED)).isEmpty();
        assertThat(log).containsExactly("first", "third");
    }

    @Test
    void a_hook_that_a_hook_registers_before_commit_fires_before_commit() throws Exception {
        Hooks hooks = new Hooks();
        hooks.beforeCommit(() -> hooks.beforeCommit(() -> log.add("second")));
        fireBeforeCommit(hooks);
        assertThat(log).containsExactly("second");
    }
}
