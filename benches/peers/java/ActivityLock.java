import java.util.concurrent.TimeUnit;
import org.redisson.api.RLock;
import org.redisson.api.RMap;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.LongCodec;
import org.redisson.client.codec.StringCodec;
import org.redisson.codec.CompositeCodec;

/** A lock for each activity (Redisson's RLock) around looking how many seats are held and writing one more. */
final class ActivityLock implements Gate {
    /** How long a request waits for its turn; then it is to ask again. */
    private static final long WAIT_S = 4;
    /** After this the lock is free again, whoever had it. */
    private static final long LEASE_S = 3;

    private final RedissonClient redis;

    ActivityLock(RedissonClient redis) {
        this.redis = redis;
    }

    @Override
    public Told enter(String activity, String user, long capacity) throws InterruptedException {
        RLock lock = redis.getLock("peers:lock:" + activity);
        if (!lock.tryLock(WAIT_S, LEASE_S, TimeUnit.SECONDS)) {
            return Told.busy();
        }
        try {
            return enterAlone(activity, user, capacity);
        } finally {
            if (lock.isHeldByCurrentThread()) {
                lock.unlock();
            }
        }
    }

    private Told enterAlone(String activity, String user, long capacity) {
        RMap<String, Long> seats = seats(activity);
        Long rank = seats.get(user);
        if (rank != null) {
            return Told.held(rank);
        }
        int held = seats.size();
        if (held >= capacity) {
            return Told.soldOut();
        }
        seats.fastPut(user, held + 1L);
        return Told.admitted(held + 1L);
    }

    @Override
    public long held(String activity) {
        return seats(activity).size();
    }

    private RMap<String, Long> seats(String activity) {
        return redis.getMap("peers:seats:" + activity, new CompositeCodec(StringCodec.INSTANCE, LongCodec.INSTANCE));
    }
}
