import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.redisson.api.RBucket;
import org.redisson.api.RMap;
import org.redisson.api.RScript;
import org.redisson.api.RSet;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.LongCodec;
import org.redisson.client.codec.StringCodec;
import org.redisson.codec.CompositeCodec;

/**
 * A lock for each user (SET NX with an expiry), then SADD of the participant, then INCR of a counter, which is compared with
 * the capacity. The lock keeps a user from entering twice at once, the counter gives the ranks.
 */
final class UserLock implements Gate {
    private static final Duration LEASE = Duration.ofSeconds(3);
    /** Releases what is still one's own. */
    private static final String RELEASE =
            "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

    private final RedissonClient redis;

    UserLock(RedissonClient redis) {
        this.redis = redis;
    }

    @Override
    public Told enter(String activity, String user, long capacity) {
        String name = "peers:lock:" + activity + ":" + user;
        String owner = UUID.randomUUID().toString();
        RBucket<String> lock = redis.getBucket(name, StringCodec.INSTANCE);
        if (!lock.setIfAbsent(owner, LEASE)) {
            return Told.busy();
        }
        try {
            return enterAlone(activity, user, capacity);
        } finally {
            RScript script = redis.getScript(StringCodec.INSTANCE);
            script.eval(RScript.Mode.READ_WRITE, RELEASE, RScript.ReturnType.LONG, List.of(name), owner);
        }
    }

    private Told enterAlone(String activity, String user, long capacity) {
        RSet<String> people = people(activity);
        RMap<String, Long> seats = seats(activity);
        if (!people.add(user)) {
            Long rank = seats.get(user);
            if (rank != null) {
                return Told.held(rank);
            }
            // Whoever was here before did not get as far as the counter.
        }
        long rank = redis.getAtomicLong("peers:count:" + activity).incrementAndGet();
        if (rank > capacity) {
            people.remove(user);
            return Told.soldOut();
        }
        seats.fastPut(user, rank);
        return Told.admitted(rank);
    }

    @Override
    public long held(String activity) {
        return people(activity).size();
    }

    private RSet<String> people(String activity) {
        return redis.getSet("peers:people:" + activity, StringCodec.INSTANCE);
    }

    private RMap<String, Long> seats(String activity) {
        return redis.getMap("peers:seats:" + activity, new CompositeCodec(StringCodec.INSTANCE, LongCodec.INSTANCE));
    }
}
