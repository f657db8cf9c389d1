#!/usr/bin/env bash
# usage: deploy/status.sh
# One line a member: state, PID, resident memory, address. Exit status 0 if every known member runs, else 1.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$DEPLOY/ports.sh"

main() {
    local server member members pid state=0
    [ -f "$RUN/ports.env" ] || { say "instance $INSTANCE: never started here; see 'make up'"; return 1; }
    load_ports
    members=$(known_members)
    [ -n "$members" ] || { say "instance $INSTANCE: everything is down"; return 1; }
    printf '%-18s %-8s %8s %9s  %s\n' MEMBER STATE PID MEMORY PORT
    for member in $members; do
        server=$(server_of "$member")
        load_server "$server"
        if pid=$(pid_of "$member"); then
            printf '%-18s %-8s %8s %6s MB  %s\n' "$member" up "$pid" \
                "$(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$pid/status")" "$("${server}_ports" "$member" | cut -d' ' -f1)"
        else
            printf '%-18s %-8s\n' "$member" "dead"
            state=1
        fi
    done
    return $state
}

main "$@"
