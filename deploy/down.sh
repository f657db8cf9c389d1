#!/usr/bin/env bash
# usage: deploy/down.sh [MEMBER…]   (default: every member of this instance)
# Stops by PID: asks, waits until the process is gone, kills what refuses. Data stays. Nothing running is fine.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
    local members=("$@") member pid deadline live=()
    ((${#members[@]})) || mapfile -t members < <(known_members)
    for member in "${members[@]}"; do
        if pid=$(pid_of "$member"); then
            kill "$pid" 2>/dev/null || true
            kill -CONT "$pid" 2>/dev/null || true # a paused process would not hear it
            live+=("$member")
        fi
    done
    deadline=$((SECONDS + STOP_LIMIT_S))
    for member in "${live[@]}"; do
        while pid=$(pid_of "$member"); do
            # Redis refuses while it writes its first append-only file; three brokers that all leave wait for a quorum.
            if ((SECONDS > deadline)); then
                say "$member (PID $pid) did not stop within $STOP_LIMIT_S s: killed"
                kill -9 "$pid" 2>/dev/null || true
            fi
            sleep 0.2
        done
        rm -f "$RUN/$member/pid"
    done
    # No addresses of servers that are gone.
    [ -z "$(live_members)" ] && rm -f "$RUN/env"
    say "${#live[@]} stopped in $SECONDS s (instance $INSTANCE)"
}

live_members() {
    local member
    for member in $(known_members); do
        running "$member" && printf '%s ' "$member"
    done
    return 0
}

main "$@"
