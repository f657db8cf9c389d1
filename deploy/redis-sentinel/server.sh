# Redis with a failover: members 1 to 3 are a primary and two replicas, 4 to 6 the sentinels. Sourced by up.sh.
# shellcheck shell=bash

# shellcheck source=redis/server.sh
. "$DEPLOY/redis/server.sh"

REDIS_SERVICE=views

redis-sentinel_install() { redis_install; }
redis-sentinel_members() { printf 'redis-sentinel-%s ' 1 2 3 4 5 6; }
# Where others find a server: its own port, or that of the link before it (FOOTFALL_REDIS_LINKS, at the first start), which
# whoever starts the servers must have opened. Servers and sentinels then connect from an address of their own.
redis-sentinel_found_at() {
    if [ -n "${FOOTFALL_REDIS_LINKS-}" ]; then redis_link_port "$1"; else redis_sentinel_port "$1"; fi
}
redis-sentinel_ports() { redis_sentinel_port "${1##*-}"; }
redis-sentinel_address() {
    printf 'redis-sentinel://127.0.0.1:%s?sentinelServiceName=%s&node=127.0.0.1:%s&node=127.0.0.1:%s' \
        "$(redis_sentinel_port 4)" $REDIS_SERVICE "$(redis_sentinel_port 5)" "$(redis_sentinel_port 6)"
}

# Written once: from then on servers and sentinels keep in these files who is primary.
redis-sentinel_prepare() {
    local n folder
    for n in 1 2 3 4 5 6; do
        folder=$RUN/redis-sentinel-$n
        [ -f "$folder/redis.conf" ] && continue
        mkdir -p "$folder/data"
        {
            ((n > 3)) || printf 'include "%s"\nmin-replicas-to-write 1\nmin-replicas-max-lag 5\n' "$DEPLOY/redis/redis.conf"
            printf 'port %s\ndir "%s"\n' "$(redis_sentinel_port $n)" "$folder/data"
            [ -z "${FOOTFALL_REDIS_LINKS-}" ] || redis-sentinel_linked $n
            case $n in
            2 | 3) printf 'replicaof 127.0.0.1 %s\n' "$(redis-sentinel_found_at 1)" ;;
            4 | 5 | 6) redis-sentinel_watch ;;
            esac
        } >"$folder/redis.conf.new"
        mv "$folder/redis.conf.new" "$folder/redis.conf"
    done
}

# What a server says of itself: its link, and not the address that it connects from.
redis-sentinel_linked() {
    printf 'bind-source-addr %s\n' "$FOOTFALL_REDIS_LINKS"
    if (($1 > 3)); then
        printf 'sentinel announce-ip 127.0.0.1\n'
    else
        printf 'replica-announce-ip 127.0.0.1\nreplica-announce-port %s\n' "$(redis_link_port "$1")"
    fi
}

redis-sentinel_watch() {
    printf 'bind 127.0.0.1\nset-proc-title no\n'
    printf 'sentinel monitor %s 127.0.0.1 %s 2\n' $REDIS_SERVICE "$(redis-sentinel_found_at 1)"
    printf 'sentinel down-after-milliseconds %s 2000\nsentinel failover-timeout %s 6000\n' $REDIS_SERVICE $REDIS_SERVICE
}

redis-sentinel_start() {
    case $1 in
    *-[456]) launch "$1" redis-server "$RUN/$1/redis.conf" --sentinel ;;
    *) redis_launch "$1" "$RUN/$1/redis.conf" ;;
    esac
}

# Each sentinel knows all of them, and the primary takes writes.
redis-sentinel_ready() {
    local n primary
    for n in 4 5 6; do
        redis-cli -p "$(redis_sentinel_port $n)" info sentinel 2>/dev/null |
            grep -q 'status=ok,.*slaves=2,sentinels=3' || return 1
    done
    primary=$(redis-cli -p "$(redis_sentinel_port 4)" sentinel get-master-addr-by-name $REDIS_SERVICE | tail -n 1)
    redis-cli -p "$primary" info replication 2>/dev/null | grep -q 'min_slaves_good_slaves:[12]'
}
