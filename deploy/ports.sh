# The one place where port numbers come from. Sourced after common.sh, never run.
#
# An instance owns a range of PORTS_PER_INSTANCE ports on 127.0.0.1. The first start derives it from the checkout's
# path and the instance's name, steps on to the next range while any of its ports is in use, and remembers the
# result in $RUN/ports.env, because Kafka stores its peers' ports in its data. FOOTFALL_PORT_BASE overrides it.
# shellcheck shell=bash

PORTS_PER_INSTANCE=60
LOWEST_PORT=20000
RANGES=200 # 20000 … 31999: below 32768, where Linux begins to hand out ports to clients

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

range_is_free() {
    local offset
    for ((offset = 0; offset < PORTS_PER_INSTANCE; offset++)); do
        port_in_use $(($1 + offset)) && return 1
    done
    return 0
}

choose_base() {
    local hash tried base
    hash=$(printf '%s' "$CHECKOUT:$INSTANCE" | cksum | cut -d' ' -f1)
    for ((tried = 0; tried < RANGES; tried++)); do
        base=$((LOWEST_PORT + (hash + tried) % RANGES * PORTS_PER_INSTANCE))
        range_is_free "$base" && printf '%s' "$base" && return 0
    done
    fail "no $PORTS_PER_INSTANCE free ports in a row from $LOWEST_PORT up; set FOOTFALL_PORT_BASE to a free range."
}

# Reads or chooses this instance's base port into PORT_BASE.
load_ports() {
    PORT_BASE=
    # shellcheck source=/dev/null
    [ -f "$RUN/ports.env" ] && . "$RUN/ports.env"
    if [ -n "$PORT_BASE" ]; then
        [ "${FOOTFALL_PORT_BASE:-$PORT_BASE}" = "$PORT_BASE" ] || fail "instance '$INSTANCE' already lives at port" \
            "$PORT_BASE, but FOOTFALL_PORT_BASE is $FOOTFALL_PORT_BASE: unset it, set another FOOTFALL_INSTANCE," \
            "or drop the instance's data with 'make clean-servers'."
        return 0
    fi
    PORT_BASE=${FOOTFALL_PORT_BASE:-$(choose_base)}
    mkdir -p "$RUN"
    printf 'PORT_BASE=%s\n' "$PORT_BASE" >"$RUN/ports.env"
}

# Offsets from the base; N counts a server's members from 1.
kafka_port() { printf '%s' $((PORT_BASE + $1 - 1)); }            # 0–2
kafka_controller_port() { printf '%s' $((PORT_BASE + 2 + $1)); } # 3–5
redis_port() { printf '%s' $((PORT_BASE + 6)); }
opensearch_port() { printf '%s' $((PORT_BASE + 6 + $1)); }           # 7–9
opensearch_transport_port() { printf '%s' $((PORT_BASE + 9 + $1)); } # 10–12
prometheus_port() { printf '%s' $((PORT_BASE + 13)); }
process_metrics_port() { printf '%s' $((PORT_BASE + 14)); } # Footfall's own: `process`
api_port() { printf '%s' $((PORT_BASE + 15)); }             # and `api`, page and /metrics
canary_port() { printf '%s' $((PORT_BASE + 16)); }          # and `canary`
entry_port() { printf '%s' $((PORT_BASE + 17)); }           # and `entry`
kafka_ssl_port() { printf '%s' $((PORT_BASE + 19 + $1)); }            # 20–22
kafka_sasl_ssl_port() { printf '%s' $((PORT_BASE + 22 + $1)); }       # 23–25
kafka_sasl_plaintext_port() { printf '%s' $((PORT_BASE + 25 + $1)); } # 26–28
redis_link_port() { printf '%s' $((PORT_BASE + 29 + $1)); } # 30–32: before the three servers, where FOOTFALL_REDIS_LINKS is set
redis_sentinel_port() { printf '%s' $((PORT_BASE + 39 + $1)); } # 40–45: three servers, three sentinels
redis_cluster_port() { printf '%s' $((PORT_BASE + 45 + $1)); }  # 46–51
redis_cluster_bus_port() { printf '%s' $((PORT_BASE + 51 + $1)); } # 52–57
