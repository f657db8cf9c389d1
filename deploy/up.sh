#!/usr/bin/env bash
# usage: deploy/up.sh [SERVER…]   (kafka redis opensearch prometheus: the default; redis-sentinel redis-cluster)
# Starts what is not running yet and waits until it answers. Running it again changes nothing; after a member
# has died it starts that one. Writes the addresses to .footfall/run/<instance>/env, for `source`, and a configuration of
# Footfall for these servers to footfall.toml beside it.
# Environment: FOOTFALL_INSTANCE (default: default), FOOTFALL_PORT_BASE, NODES (OpenSearch nodes, 1 or 3),
# SECURE=1 (at an instance's first start: Kafka listens with TLS and SASL, too), FOOTFALL_REDIS_LINKS=ADDRESS (at the first
# start: Redis' servers with sentinels connect from this address, and to each other through links that the caller has opened).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$DEPLOY/ports.sh"
. "$DEPLOY/java.sh"

start_missing() {
    local member
    for member in $("$1_members"); do
        running "$member" && continue
        start_member "$1" "$member"
        started+=("$member")
    done
}

report_failure() {
    say "--- the last lines of $RUN/$1/log"
    tail -n 30 "$RUN/$1/log" >&2 || true
    fail "$2"
}

# Polls until the server answers, one of its members dies, or the time is up.
wait_until_ready() {
    local member deadline=$((SECONDS_AT_START + START_LIMIT_S))
    until "$1_ready"; do
        for member in $("$1_members"); do
            running "$member" || report_failure "$member" "$member ended while starting."
        done
        if ((SECONDS > deadline)); then
            report_failure "$("$1_members" | awk '{print $1}')" "$1 does not answer after $START_LIMIT_S s."
        fi
        sleep 0.3
    done
}

# Prints the address of a server with a live member, whoever started it.
live_address() {
    local member
    load_server "$1"
    for member in $("${1}_members"); do
        if running "$member"; then
            "${1}_address"
            return 0
        fi
    done
}

# The address of the Redis that Footfall is to use: one with sentinels or a cluster, if somebody started it.
live_redis() {
    local server address
    for server in redis-sentinel redis-cluster redis; do
        address=$(live_address "$server")
        [ -z "$address" ] || { printf '%s' "$address" && return 0; }
    done
}

write_env() {
    local server address
    {
        printf 'FOOTFALL_RUN=%q\n' "$RUN"
        for server in "${ALL_SERVERS[@]}"; do
            address=$(live_address "$server")
            [ "$server" != redis ] || address=$(live_redis)
            [ -z "$address" ] || printf 'FOOTFALL_%s=%q\n' "${server^^}" "$address"
        done
        load_server kafka
        ! kafka_is_secure || kafka_secure_env
        printf 'FOOTFALL_PROCESS_METRICS=127.0.0.1:%s\n' "$(process_metrics_port)"
        printf 'FOOTFALL_API=127.0.0.1:%s\n' "$(api_port)"
        printf 'FOOTFALL_CANARY=127.0.0.1:%s\n' "$(canary_port)"
        printf 'FOOTFALL_ENTRY=127.0.0.1:%s\n' "$(entry_port)"
    } >"$RUN/env.new"
    mv "$RUN/env.new" "$RUN/env"
}

# A configuration of Footfall for what runs here. The hash key is made once: with another one, the same events would be
# other users.
write_configuration() {
    local redis opensearch
    redis=$(live_redis)
    opensearch=$(live_address opensearch)
    (
        umask 077
        [ -s "$RUN/hash-key" ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$RUN/hash-key"
        {
            printf '# Written by deploy/up.sh at each start: to change it, change a copy. Settings: docs/configuration.md.\n'
            printf 'data = "%s/footfall"\n' "$RUN"
            printf '# For the API; Prometheus looks for a processor at 127.0.0.1:%s (--listen).\n' "$(process_metrics_port)"
            printf 'listen = "127.0.0.1:%s"\n' "$(api_port)"
            printf '\n[log]\nbrokers = "%s"\ndevelopment = true\n' "$(live_address kafka)"
            [ -z "$redis" ] || printf '\n[redis]\nurl = "%s"\n' "$redis"
            # One replica where another node can hold it.
            [ -z "$opensearch" ] || printf '\n[opensearch]\nurls = ["%s"]\nreplicas = %s\n' "${opensearch//,/\", \"}" \
                $(($(opensearch_nodes) > 1))
            printf '\n[definition]\nhash_key = "%s"\n' "$(cat "$RUN/hash-key")"
        } >"$RUN/footfall.toml.new"
    )
    mv "$RUN/footfall.toml.new" "$RUN/footfall.toml"
}

main() {
    local servers=("$@") server started=()
    [ "$(uname)" = Linux ] || fail "the servers are started by script on Linux only; elsewhere, give Footfall the addresses" \
        "of your own."
    ((${#servers[@]})) || servers=("${ALL_SERVERS[@]}")
    mkdir -p "$RUN" "$SOFTWARE"
    exec 9>"$RUN/lock"
    flock 9 # two `up` at once: the second finds everything running
    load_ports
    for server in "${servers[@]}"; do
        load_server "$server"
        "${server}_install"
    done
    SECONDS_AT_START=$SECONDS
    for server in "${servers[@]}"; do
        "${server}_prepare"
        start_missing "$server"
    done
    for server in "${servers[@]}"; do
        wait_until_ready "$server"
    done
    write_env
    write_configuration
    if ((${#started[@]})); then
        say "started ${started[*]} in $((SECONDS - SECONDS_AT_START)) s; addresses: $RUN/env, configuration: $RUN/footfall.toml"
    else
        say "already up: ${servers[*]}; addresses: $RUN/env, configuration: $RUN/footfall.toml"
    fi
}

main "$@"
