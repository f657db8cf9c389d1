import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.RoutingHandler;
import io.undertow.server.handlers.BlockingHandler;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import org.redisson.config.Config;
import org.redisson.config.ReadMode;
import org.xnio.Options;

/** A gate that gives seats under a lock in Redis, over the HTTP of {@code footfall entry}. */
public final class Main {
    /** One for each connection of the load, so that no request waits for a thread. */
    private static final int WORKERS = 512;
    /** Connections to the primary. */
    private static final int POOL = 64;
    private static final HttpString USER = new HttpString("footfall-user");
    private static final Pattern CAPACITY = Pattern.compile("\"capacity\"\\s*:\\s*(\\d+)");

    private final Gate gate;
    private final Map<String, Long> capacities = new ConcurrentHashMap<>();

    private Main(Gate gate) {
        this.gate = gate;
    }

    /** Arguments: user-lock or activity-lock, the port, the sentinels' service, their addresses. */
    public static void main(String[] arguments) {
        RedissonClient redis = connect(arguments[2], Arrays.copyOfRange(arguments, 3, arguments.length));
        Gate gate =
                switch (arguments[0]) {
                    case "user-lock" -> new UserLock(redis);
                    case "activity-lock" -> new ActivityLock(redis);
                    default -> throw new IllegalArgumentException("user-lock or activity-lock, not " + arguments[0]);
                };
        Main main = new Main(gate);
        RoutingHandler routes =
                new RoutingHandler()
                        .get("/readyz", exchange -> answer(exchange, 200, "{}"))
                        .put("/v1/activities/{id}", new BlockingHandler(main::define))
                        .get("/v1/activities/{id}", new BlockingHandler(main::show))
                        .post("/v1/activities/{id}/entries", new BlockingHandler(main::enter));
        Undertow.builder()
                .addHttpListener(Integer.parseInt(arguments[1]), "127.0.0.1")
                .setIoThreads(Runtime.getRuntime().availableProcessors())
                .setWorkerThreads(WORKERS)
                .setSocketOption(Options.TCP_NODELAY, true)
                .setServerOption(UndertowOptions.ENABLE_HTTP2, false)
                .setHandler(routes)
                .build()
                .start();
    }

    private static RedissonClient connect(String service, String[] sentinels) {
        Config config = new Config();
        config.useSentinelServers()
                .setMasterName(service)
                .addSentinelAddress(sentinels)
                // A replica may not know yet what was written.
                .setReadMode(ReadMode.MASTER)
                .setMasterConnectionPoolSize(POOL)
                .setMasterConnectionMinimumIdleSize(POOL);
        return Redisson.create(config);
    }

    private void define(HttpServerExchange exchange) throws IOException {
        String body = new String(exchange.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher found = CAPACITY.matcher(body);
        if (!found.find()) {
            answer(exchange, 422, "{\"outcome\":\"no capacity\"}");
            return;
        }
        capacities.put(activity(exchange), Long.parseLong(found.group(1)));
        show(exchange);
    }

    private void show(HttpServerExchange exchange) {
        Long capacity = capacities.get(activity(exchange));
        if (capacity == null) {
            answer(exchange, 404, "{\"outcome\":\"unknown\"}");
            return;
        }
        answer(exchange, 200, "{\"capacity\":" + capacity + ",\"held\":" + gate.held(activity(exchange)) + "}");
    }

    private void enter(HttpServerExchange exchange) throws InterruptedException {
        String user = exchange.getRequestHeaders().getFirst(USER);
        Long capacity = capacities.get(activity(exchange));
        if (user == null || capacity == null) {
            answer(exchange, 404, "{\"outcome\":\"unknown\"}");
            return;
        }
        try {
            Gate.Told told = gate.enter(activity(exchange), user, capacity);
            String receipt = told.rank() == 0 ? "" : ",\"receipt\":{\"rank\":" + told.rank() + "}";
            answer(exchange, told.status(), "{\"outcome\":\"" + told.outcome() + "\"" + receipt + "}");
        } catch (RedisException | IllegalMonitorStateException error) {
            // Redis has not answered, or the lock is somebody else's by now: the person is to ask again.
            answer(exchange, 503, "{\"outcome\":\"pending\"}");
        }
    }

    private static String activity(HttpServerExchange exchange) {
        return exchange.getQueryParameters().get("id").getFirst();
    }

    private static void answer(HttpServerExchange exchange, int status, String body) {
        exchange.setStatusCode(status);
        exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "application/json");
        exchange.getResponseSender().send(body);
    }
}
