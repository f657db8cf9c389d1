# Redis as a cluster: six members, three of them primaries with a replica each. Sourced by up.sh.
# shellcheck shell=bash

# shellcheck source=redis/server.sh
. "$DEPLOY/redis/server.sh"

redis-cluster_install() { redis_install; }
redis-cluster_members() { printf 'redis-cluster-%s ' 1 2 3 4 5 6; }
redis-cluster_ports() { printf '%s %s' "$(redis_cluster_port "${1##*-}")" "$(redis_cluster_bus_port "${1##*-}")"; }
redis-cluster_address() {
    printf 'redis-cluster://127.0.0.1:%s?node=127.0.0.1:%s&node=127.0.0.1:%s' \
        "$(redis_cluster_port 1)" "$(redis_cluster_port 2)" "$(redis_cluster_port 3)"
}

redis-cluster_prepare() {
    local n folder
    for n in 1 2 3 4 5 6; do
        folder=$RUN/redis-cluster-$n
        mkdir -p "$folder/data"
        {
            cat "$DEPLOY/redis/redis.conf"
            printf 'port %s\ncluster-port %s\ndir "%s"\n' "$(redis_cluster_port $n)" "$(redis_cluster_bus_port $n)" "$folder/data"
            printf 'cluster-enabled yes\ncluster-node-timeout 2000\n'
            # Partitions whose primary is there are served while another is replaced; a replica that lagged is promoted
            # too, for Footfall sends again what it lacks.
            printf 'cluster-require-full-coverage no\ncluster-replica-validity-factor 0\n'
        } >"$folder/redis.conf"
    done
}

redis-cluster_start() { redis_launch "$1" "$RUN/$1/redis.conf"; }

# Forms the cluster the first time that all members answer.
redis-cluster_ready() {
    local n info nodes=()
    for n in 1 2 3 4 5 6; do
        info=$(redis-cli -p "$(redis_cluster_port $n)" cluster info 2>/dev/null) || return 1
        nodes+=("127.0.0.1:$(redis_cluster_port $n)")
    done
    if [[ $info == *cluster_known_nodes:1[!0-9]* ]]; then
        redis-cli --cluster create "${nodes[@]}" --cluster-replicas 1 --cluster-yes >"$RUN/redis-cluster.formed" 2>&1 ||
            say "redis-cluster: it can't be formed yet; $RUN/redis-cluster.formed says why"
        return 1
    fi
    for n in 1 2 3 4 5 6; do
        info=$(redis-cli -p "$(redis_cluster_port $n)" cluster info 2>/dev/null)
        [[ $info == *cluster_state:ok* && $info == *cluster_slots_ok:16384* && $info == *cluster_known_nodes:6* ]] || return 1
    done
}
