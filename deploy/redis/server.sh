# Redis: Debian's redis-server, one process, append-only file, never evicting. Sourced by up.sh.
# shellcheck shell=bash

redis_install() {
    local program
    for program in redis-server redis-check-aof; do
        command -v "$program" >/dev/null || fail "$program is not installed: run deploy/install.sh servers."
    done
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

redis_start() { redis_launch redis "$RUN/redis/redis.conf"; }

# LOADING, while it reads its append-only file, is not ready.
redis_ready() { [ "$(redis-cli -p "$(redis_port)" ping 2>/dev/null)" = PONG ]; }

# --- for every member that is a Redis: also of redis-sentinel and redis-cluster ---------------------------------

# redis_launch MEMBER CONFIGURATION. Only for a member that does not run: a file in use must not be cut.
redis_launch() {
    mend_append_only_file "$1"
    launch "$1" redis-server "$2"
}

# A power cut may tear the file within a transaction, and Redis may later carry out its beginning with another
# transaction: docs/views.md. Whole transactions before the tear stay.
mend_append_only_file() {
    local manifest=$RUN/$1/data/appendonlydir/appendonly.aof.manifest log=$RUN/$1/log bytes
    [ -f "$manifest" ] || return 0
    redis-check-aof "$manifest" >>"$log" 2>&1 && return 0
    # It asks whether to go on, also where nobody can answer.
    redis-check-aof --fix "$manifest" >>"$log" 2>&1 <<<y ||
        fail "$1's append-only file is damaged and redis-check-aof can't mend it ($log says why): restore" \
            "$RUN/$1/data, or remove it to start empty; Footfall fills it again."
    bytes=$(sed -n 's/^AOF analyzed: .*, diff=//p' "$log" | tail -n 1)
    say "$1: its append-only file was torn; redis-check-aof cut the last $bytes bytes off, more in $log"
}
