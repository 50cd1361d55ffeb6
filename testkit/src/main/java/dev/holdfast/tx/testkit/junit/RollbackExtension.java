package dev.holdfast.tx.testkit.junit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.fixture.HookMode;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import dev.holdfast.tx.testkit.fixture.RollbackFixtures;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A {@link RollbackFixture} around each test: opened before its {@code @BeforeEach} methods, rolled back after its
 * {@code @AfterEach} methods, whether it passed or failed. Registered by a field:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final RollbackExtension rollback = RollbackExtension.on(() -> db);
 * }</pre>
 *
 * <p>The application gets {@link #transactor()}, once for all tests, or that of the fixture. Methods may take a
 * {@link RollbackFixture}, its {@link Transactor} and its {@link Tx} as parameters, if one such extension is registered.
 *
 * <p>Tests may run in parallel, each with a connection of its own. Threads that the application starts are then known only by
 * the transactor of the fixture; {@link #transactor()} refuses them.
 */
public final class RollbackExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    /** What is kept for one test. */
    private record Opened(RollbackFixture fixture, @Nullable RollbackFixture before) {}

    private final RollbackFixtures fixtures;

    private RollbackExtension(RollbackFixtures fixtures) {
        this.fixtures = fixtures;
    }

    /** On the application's own transactor. */
    public static RollbackExtension on(Transactor db) {
        Objects.requireNonNull(db, "db");
        return on(() -> db);
    }

    /** On the application's own transactor, which is asked for before each test. */
    public static RollbackExtension on(Supplier<? extends Transactor> db) {
        return new RollbackExtension(new RollbackFixtures(db, TxOptions.none(), HookMode.FIRE));
    }

    /** With these options of the transaction around each test. */
    public RollbackExtension withOptions(TxOptions options) {
        return new RollbackExtension(fixtures.with(options, fixtures.mode()));
    }

    /** With hooks that are kept until {@link RollbackFixture#runAfterCommitHooks}. */
    public RollbackExtension keepingHooks() {
        return new RollbackExtension(fixtures.with(TxOptions.none(), HookMode.KEEP));
    }

    /** The transactor for an application that is made once for many tests. */
    public Transactor transactor() {
        return fixtures.transactor();
    }

    /**
     * The fixture of the test that the calling thread runs.
     *
     * @throws dev.holdfast.tx.TxStateException if it runs none
     */
    public RollbackFixture fixture() {
        return fixtures.current();
    }

    private ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(Namespace.create(RollbackExtension.class, this));
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        RollbackFixture fixture = fixtures.open();
        store(context).put(context.getUniqueId(), new Opened(fixture, fixtures.bind(fixture)));
    }

    @Override
    public void afterEach(ExtensionContext context) {
        Opened opened = store(context).remove(context.getUniqueId(), Opened.class);
        if (opened != null) {
            fixtures.bind(opened.before());
            fixtures.close(opened.fixture());
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == RollbackFixture.class || type == Transactor.class || type == Tx.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Opened opened = store(context).get(context.getUniqueId(), Opened.class);
        if (opened == null) {
            throw new ParameterResolutionException(
                    "A fixture is open for each test, from before its @BeforeEach methods until after its @AfterEach methods;"
                            + " have one of those take it, not a constructor and not a @BeforeAll method");
        }
        Class<?> type = parameter.getParameter().getType();
        return type == RollbackFixture.class
                ? opened.fixture()
                : type == Tx.class ? opened.fixture().tx() : opened.fixture().transactor();
    }
}
