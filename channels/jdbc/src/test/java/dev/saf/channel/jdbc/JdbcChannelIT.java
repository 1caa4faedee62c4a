package dev.saf.channel.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.saf.channel.Channel;
import dev.saf.channel.ChannelContract;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.RemoteChannelContract;
import dev.saf.event.Event;
import dev.saf.event.Payload;
import dev.saf.peers.Peer;
import dev.saf.peers.Postgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JdbcChannelIT implements RemoteChannelContract {

    private static final String JOURNAL = "insert into journal (id, traceparent) values (:id, :traceparent)";
    private static final String PLAIN = "insert into orders (source, id, total) values (:source, :id, :payload.total)";
    private static final String UPSERT =
            "insert into orders (source, id, subject, type, at, body, total, paid, customer)"
                    + " values (:source, :id, :subject, :type, :time, :payload::jsonb, :payload.total, :payload.paid,"
                    + " :payload.customer.name) on conflict (source, id) do nothing";

    private static Peer postgres;

    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void startDatabase() {
        postgres = Postgres.start("max_connections=30");
    }

    @AfterAll
    static void stopDatabase() {
        postgres.close();
    }

    @BeforeEach
    void createTables() throws Exception {
        run("drop table if exists journal, orders");
        // Not dropped: the database goes on with a statement that nobody waits for any more.
        run("create table if not exists asleep (id text, traceparent text)");
        run("create table journal (id text, traceparent text)");
        run("create table orders (source text, id text, subject text, type text, at timestamptz, body jsonb,"
                + " total numeric(6, 2) check (total >= 0), paid boolean, customer varchar(10), raw bytea,"
                + " primary key (source, id))");
    }

    @AfterEach
    void close() throws Exception {
        postgres.resume();
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @Override
    public String type() {
        return "jdbc";
    }

    @Override
    public Channel working() {
        return open(JOURNAL);
    }

    @Override
    public Channel gone() {
        return open(settings("jdbc:postgresql://127.0.0.1:1/postgres", Postgres.PASSWORD, JOURNAL, null));
    }

    @Override
    public Channel silent() {
        return open("insert into asleep select :id, pg_sleep(60)::text");
    }

    @Override
    public List<String> delivered() {
        return column("select id from journal");
    }

    @Override
    public List<String> traceparents() {
        return column("select traceparent from journal");
    }

    @Override
    public List<Supplier<Channel>> refused() {
        String url = Postgres.jdbcUrl(postgres);
        return List.of(
                () -> open(new JdbcSettings(null, null, null, JOURNAL, null, null, null)),
                () -> open(new JdbcSettings("http://db", null, null, JOURNAL, null, null, null)),
                () -> open(new JdbcSettings("jdbc:oracle:thin:@db", null, null, JOURNAL, null, null, null)),
                () -> open(new JdbcSettings(url, null, "secret", JOURNAL, null, null, null)),
                () -> open(new JdbcSettings(url, null, null, null, null, null, null)),
                () -> open(new JdbcSettings(url, null, null, "insert into t values (?)", null, null, null)),
                () -> open(new JdbcSettings(url, null, null, "insert into t values (1)", null, null, null)),
                () -> open(new JdbcSettings(url, null, null, JOURNAL, null, 0, null)),
                () -> open(new JdbcSettings(url, null, null, JOURNAL, null, null, Duration.ofMillis(1))));
    }

    @Test
    void neverRepeatsASecretInARefusal() {
        assertThatThrownBy(() -> open(
                        new JdbcSettings("jdbc:oracle:thin:shop/t0psecret@db", null, null, JOURNAL, null, null, null)))
                .hasMessageNotContaining("t0psecret");
        assertThat(settings("jdbc:postgresql://db/?password=t0psecret", "t0psecret", JOURNAL, null)
                        .toString())
                .doesNotContain("t0psecret");
    }

    @Test
    void writesWhatTheStatementSays() throws Exception {
        open(UPSERT)
                .deliver(event(
                        "17", "{\"total\":12.50,\"paid\":true,\"customer\":{\"name\":\"J\u00fc'); --\"},\"n\":[1]}"));
        assertThat(column("select concat_ws('|', source, id, subject, type, at at time zone 'UTC', total, paid,"
                        + " customer, body->'n') from orders"))
                .containsExactly(
                        "shop|17|orders.placed|orders.placed|2026-01-02 03:04:05.006|12.50|t|J\u00fc'); --|[1]");
    }

    @Test
    void writesNullForWhatTheEventDoesNotHave() throws Exception {
        Event bare = new Event(
                "a", "1", "saf", "a", null, Payload.of("{}".getBytes(StandardCharsets.UTF_8), null), Map.of(), null);
        open(UPSERT).deliver(bare);
        assertThat(column("select concat_ws('|', source, id, at, total, paid, customer) from orders"))
                .containsExactly("saf|1");
    }

    @Test
    void writesAPayloadThatIsNoText() throws Exception {
        Event binary = new Event(
                "a",
                "1",
                "saf",
                "a",
                null,
                Payload.of(new byte[] {0, (byte) 0xff}, "application/octet-stream"),
                Map.of(),
                null);
        open("insert into orders (source, id, raw) values (:source, :id, :bytes)")
                .deliver(binary);
        assertThat(column("select encode(raw, 'hex') from orders")).containsExactly("00ff");
        assertThatThrownBy(() -> open(UPSERT).deliver(binary))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining(":bytes");
    }

    @Test
    void writesOneRowHoweverOftenAnEventComes() throws Exception {
        Channel channel = open(UPSERT);
        for (int i = 0; i < 3; i++) {
            channel.deliver(event("17", "{}"));
        }
        assertThat(column("select id from orders")).containsExactly("17");
    }

    @Test
    void takesADuplicateForDeliveredOnlyIfToldSo() throws Exception {
        Channel strict = open(PLAIN);
        strict.deliver(event("17", "{}"));
        assertThatThrownBy(() -> strict.deliver(event("17", "{}")))
                .isInstanceOf(RejectedEventException.class)
                .hasMessageContaining("23505");
        open(settings(Postgres.jdbcUrl(postgres), Postgres.PASSWORD, PLAIN, true))
                .deliver(event("17", "{}"));
        assertThat(column("select id from orders")).containsExactly("17");
    }

    @Test
    void rejectsWhatTheTableCannotHold() throws Exception {
        Channel channel = open(UPSERT);
        for (String payload : List.of(
                "no json",
                "{\"total\":123456789}",
                "{\"total\":-1}",
                "{\"customer\":{\"name\":\"much too long a name\"}}",
                "{\"a\":\"\\u0000\"}")) {
            assertThatThrownBy(() -> channel.deliver(event("1", payload)))
                    .as(payload)
                    .isInstanceOf(RejectedEventException.class);
        }
        channel.deliver(event("2", "{}"));
        assertThat(column("select id from orders")).containsExactly("2");
    }

    @Test
    void failsIfTheStatementIsWrong() throws Exception {
        Channel channel = open("insert into nowhere (id) values (:id)");
        assertThatThrownBy(() -> channel.deliver(event("1", "{}")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("42P01");
        run("create table nowhere (id text)");
        channel.deliver(event("1", "{}"));
        assertThat(column("select id from nowhere")).containsExactly("1");
        run("drop table nowhere");
    }

    @Test
    void failsIfItsPasswordIsRefused() {
        assertThatThrownBy(() -> open(settings(Postgres.jdbcUrl(postgres), "wr0ng", JOURNAL, null))
                        .deliver(event("1", "{}")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("password authentication failed")
                .hasMessageNotContaining("wr0ng");
    }

    @Test
    void losesNothingWhenTheDatabaseDies() throws Exception {
        Channel channel = open(UPSERT);
        List<String> ids = IntStream.range(0, 300).mapToObj(i -> "event-" + i).toList();
        AtomicInteger done = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> deliveries = new ArrayList<>();
            for (String id : ids) {
                deliveries.add(threads.submit(() -> untilDelivered(channel, event(id, "{}"), done)));
            }
            await().until(() -> done.get() > 0);
            postgres.kill();
            assertThatThrownBy(() -> open(JOURNAL).deliver(event("down", "{}"))).isInstanceOf(IOException.class);
            postgres.restart();
            for (Future<Integer> delivery : deliveries) {
                delivery.get();
            }
        }
        assertThat(column("select id from orders")).containsExactlyInAnyOrderElementsOf(ids);
    }

    private static int untilDelivered(Channel channel, Event event, AtomicInteger done) throws Exception {
        for (int failures = 0; ; failures++) {
            try {
                channel.deliver(event);
                return done.incrementAndGet();
            } catch (IOException e) {
                if (failures > 1_000) {
                    throw e;
                }
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    @Test
    void givesUpOnAFrozenDatabase() throws Exception {
        Channel channel = open(UPSERT);
        channel.deliver(event("1", "{}"));
        postgres.freeze();
        AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
        Thread delivery = Thread.ofVirtual().start(() -> {
            try {
                channel.deliver(event("2", "{}"));
            } catch (Exception e) {
                ended.set(e);
            }
        });
        await().until(() ->
                delivery.getState() == Thread.State.WAITING || delivery.getState() == Thread.State.TIMED_WAITING);
        delivery.interrupt();
        assertThat(delivery.join(Duration.ofSeconds(5))).isTrue();
        assertThat(ended.get()).isInstanceOf(IOException.class);
        postgres.resume();
        untilDelivered(channel, event("2", "{}"), new AtomicInteger());
        assertThat(column("select id from orders order by id")).containsExactly("1", "2");
    }

    @Test
    void leavesATriggersRefusalToTheEvent() throws Exception {
        run("create or replace function refuse() returns trigger language plpgsql as"
                + " $$ begin raise exception 'not now'; end $$");
        run("create trigger refusing before insert on orders for each row execute function refuse()");
        assertThatThrownBy(() -> open(UPSERT).deliver(event("1", "{}")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("not now");
    }

    @Test
    void leavesNoThreadBehind() throws Exception {
        Channel channel = working();
        channel.deliver(event("1", "{}"));
        assertThat(threads()).isNotEmpty();
        channel.close();
        await().untilAsserted(() -> assertThat(threads()).isEmpty());
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.contains("saf-partner"))
                .toList();
    }

    private static Event event(String id, String payload) {
        Event event = ChannelContract.event(id);
        return new Event(
                event.subject(),
                event.id(),
                event.source(),
                event.type(),
                event.time(),
                Payload.of(payload.getBytes(StandardCharsets.UTF_8), "application/json"),
                Map.of(),
                null);
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(Postgres.jdbcUrl(postgres), Postgres.USER, Postgres.PASSWORD);
    }

    private static void run(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            var _ = statement.execute(sql);
        }
    }

    private static List<String> column(String sql) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> values = new ArrayList<>();
            while (rows.next()) {
                values.add(String.valueOf(rows.getString(1)));
            }
            return values;
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static JdbcSettings settings(
            String url, String password, String statement, @Nullable Boolean duplicateIsDelivered) {
        return new JdbcSettings(
                url, Postgres.USER, password, statement, duplicateIsDelivered, null, Duration.ofSeconds(1));
    }

    private Channel open(String statement) {
        return open(settings(Postgres.jdbcUrl(postgres), Postgres.PASSWORD, statement, null));
    }

    private Channel open(JdbcSettings settings) {
        Channel channel = new JdbcChannelFactory().open("partner", settings, bundle -> {
            throw new IllegalArgumentException("ssl-bundle: there is no " + bundle);
        });
        opened.add(channel);
        return channel;
    }
}
