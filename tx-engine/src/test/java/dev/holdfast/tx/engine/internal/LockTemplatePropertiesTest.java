package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What holds for every template: made at random, with what must come out of it written down on the way. */
class LockTemplatePropertiesTest {
    private static final int EACH = 1_000;
    private static final LockPlan NOTHING = LockPlan.atEnd("", List.of());
    private static final LockPlan TAIL = LockPlan.atEnd("FOR $1 UPDATE", List.of());
    private static final LockPlan HINT =
            new LockPlan("WITH (UPDLOCK, ROWLOCK)", "", Message.nothing(), Message.nothing(), List.of());
    private static final LockPlan BOTH =
            new LockPlan("WITH (X)", "FOR IT", Message.nothing(), Message.nothing(), List.of());

    /** A place of a template, or the text between two. */
    private record Part(String text, boolean isTable, boolean isEnd, String alias) {
        static Part text(String text) {
            return new Part(text, false, false, "");
        }

        boolean isPlace() {
            return isTable || isEnd;
        }
    }

    /** A template, as the parts that it was made of. */
    private static final class Made {
        private static final List<String> NOISE = List.of(
                " where 1 = 1 and (v = ? or v in (1, 2))",
                " where n = '{row-lock} it''s ('",
                " /* {table-lock:a} ) */ where v > 0",
                " where v = {fn abs(?)}",
                " order by \"{table-lock} (\", id -- {row-lock} )\n",
                "\n where exists (select 1 from z where z.id = 1)",
                "");

        final Random random;
        final List<Part> parts = new ArrayList<>();
        final List<String> aliases = new ArrayList<>();
        int selects;

        Made(long seed) {
            random = new Random(seed);
            boolean inCte = random.nextInt(3) == 0;
            if (inCte) {
                add("with q as (");
                select();
                add(") select * from q");
                if (random.nextBoolean()) {
                    add(" join ");
                    tables();
                }
            } else {
                select();
            }
            add(random.nextBoolean() ? "" : random.nextBoolean() ? " ;" : " -- done");
        }

        private void add(String text) {
            parts.add(Part.text(text));
        }

        private void select() {
            add("select a1.id, (select max(v) from y) from ");
            tables();
        }

        private void tables() {
            selects++;
            boolean inBrackets = random.nextInt(4) == 0;
            add(inBrackets ? "(" : "");
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                String alias = "a" + (aliases.size() + 1);
                add((i == 0 ? "" : random.nextBoolean() ? " join " : ", ") + "app.t" + i + (i == 0 ? " as " : " ")
                        + alias + blank());
                boolean named = random.nextInt(4) > 0;
                parts.add(new Part(
                        named ? "{table-lock:" + alias + "}" : "{table-lock}", true, false, named ? alias : ""));
                aliases.add(named ? alias : "");
                add(i > 0 && random.nextBoolean() ? " on (1 = 1)" : "");
            }
            add(inBrackets ? ")" : "");
            add(NOISE.get(random.nextInt(NOISE.size())));
            add(blank());
            parts.add(new Part("{row-lock}", false, true, ""));
        }

        private String blank() {
            return List.of("", " ", "\n", "  ").get(random.nextInt(4));
        }

        String template() {
            StringBuilder text = new StringBuilder();
            parts.forEach(part -> text.append(part.text()));
            return text.toString();
        }

        /** The template with the place at this index written differently. */
        String but(int index, String instead) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < parts.size(); i++) {
                text.append(i == index ? instead : parts.get(i).text());
            }
            return text.toString();
        }

        /** A lock of some of the tables, or of all. */
        RowLock lock() {
            List<String> named = aliases.stream()
                    .filter(alias -> !alias.isEmpty() && random.nextBoolean())
                    .toList();
            return selects > 1 || random.nextBoolean()
                    ? RowLock.forUpdate()
                    : RowLock.forUpdate().of(named.toArray(String[]::new));
        }

        String expected(RowLock lock, LockPlan plan) {
            StringBuilder text = new StringBuilder();
            for (Part part : parts) {
                boolean meant = lock.tables().isEmpty() || lock.tables().contains(part.alias());
                text.append(
                        part.isEnd()
                                ? " " + plan.tail()
                                : part.isTable() ? (meant ? " " + plan.tableHint() : "") : part.text());
            }
            return text.toString();
        }

        @Override
        public String toString() {
            return template();
        }
    }

    private static void each(Consumer<Made> holds) {
        for (int seed = 0; seed < EACH; seed++) {
            holds.accept(new Made(seed));
        }
    }

    private static String render(String template, RowLock lock, LockPlan plan) {
        return LockTemplate.of(template).fit(lock).with(lock, plan);
    }

    private static String words(String sql) {
        return sql.replaceAll("\\s+", " ").replaceAll(" ?([(),;]) ?", "$1").strip();
    }

    @Test
    void what_comes_out_is_the_text_with_the_lock_in_its_places() {
        each(LockTemplatePropertiesTest::isTheTextWithTheLockInIt);
    }

    private static void isTheTextWithTheLockInIt(Made made) {
        for (LockPlan plan : List.of(NOTHING, TAIL, HINT, BOTH)) {
            RowLock lock = made.lock();
            String sql = render(made.template(), lock, plan);
            assertThat(words(sql)).isEqualTo(words(made.expected(lock, plan)));
        }
    }

    @Test
    void the_text_between_places_is_as_it_was() {
        each(LockTemplatePropertiesTest::leavesTheText);
    }

    private static void leavesTheText(Made made) {
        String sql = render(made.template(), made.lock(), BOTH);
        int from = 0;
        for (Part part : made.parts) {
            if (!part.isPlace() && !part.text().isBlank()) {
                int at = sql.indexOf(part.text().stripTrailing(), from);
                assertThat(at).as("'%s' in %s", part.text(), sql).isNotNegative();
                from = at + part.text().stripTrailing().length();
            }
        }
    }

    @Test
    void no_place_can_be_written_wrong() {
        each(LockTemplatePropertiesTest::refusesMisspeltPlaces);
    }

    private static void refusesMisspeltPlaces(Made made) {
        for (int i = 0; i < made.parts.size(); i++) {
            Part part = made.parts.get(i);
            if (!part.isPlace()) {
                continue;
            }
            List<String> wrong = new ArrayList<>(List.of(
                    part.text().replace('-', '_'),
                    part.text().replace("-", ""),
                    part.text().toUpperCase(Locale.ROOT),
                    part.text().replace("{", "{ "),
                    part.text().replace("}", ":}"),
                    part.text().replace("lock", "locks")));
            if (part.isTable()) {
                wrong.add("{table-lock:other}");
                wrong.add(", {table-lock}");
                wrong.add("{row-lock}");
            } else {
                wrong.add("");
                wrong.add("{row-lock} limit 1");
                wrong.add("{row-lock} {row-lock}");
                wrong.add("{table-lock}");
            }
            int index = i;
            for (String instead : wrong) {
                assertThatIllegalArgumentException()
                        .as("'%s' instead of %s in %s", instead, part.text(), made)
                        .isThrownBy(() -> LockTemplate.of(made.but(index, instead)));
            }
        }
    }

    @Test
    void a_table_is_named_by_the_lock_only_if_it_has_a_place_with_its_name() {
        each(LockTemplatePropertiesTest::refusesTablesWithoutPlace);
    }

    private static void refusesTablesWithoutPlace(Made made) {
        LockTemplate template = LockTemplate.of(made.template());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> template.fit(RowLock.forUpdate().of("nowhere")))
                .withMessageContaining("{table-lock:nowhere}");
        for (String alias : made.aliases) {
            if (!alias.isEmpty() && made.selects == 1) {
                assertThat(template.fit(RowLock.forUpdate().of(alias))).isSameAs(template);
            }
        }
    }
}
