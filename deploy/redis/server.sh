# Redis: Debian's redis-server, one process, append-only file, never evicting. Sourced by up.sh.
# shellcheck shell=bash

redis_install() {
    command -v redis-server >/dev/null || fail "redis-server is not installed: run deploy/install.sh servers."
}
redis_members() { printf 'redis'; }
redis_ports() { redis_port; }
redis_address() { printf 'redis://127.0.0.1:%s' "$(redis_port)"; }

redis_prepare() {
    mkdir -p "$RUN/redis/data"
    {
        cat "$DEPLOY/redis/redis.conf"
        printf 'port %s\ndir "%s"\n' "$(redis_port)" "$RUN/redis/data"
    } >"$RUN/redis/redis.conf"
}

redis_start() { launch redis redis-server "$RUN/redis/redis.conf"; }

# LOADING, while it reads its append-only file, is not ready.
redis_ready() { [ "$(redis-cli -p "$(redis_port)" ping 2>/dev/null)" = PONG ]; }
