#!/usr/bin/env bash
# usage: deploy/start.sh MEMBER   (kafka-1, redis-sentinel-2, opensearch-3 …)
# Starts one server of an instance that was up, and doesn't wait until it answers. One that runs stays as it is.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$DEPLOY/ports.sh"
. "$DEPLOY/java.sh"

main() {
    local server
    if [ $# -ne 1 ] || [ ! -d "$RUN/$1" ]; then
        fail "usage: deploy/start.sh MEMBER; members of this instance: $(known_members | tr '\n' ' ')"
    fi
    running "$1" && return 0
    server=$(server_of "$1")
    load_ports
    load_server "$server"
    "${server}_install"
    "${server}_prepare"
    start_member "$server" "$1"
}

main "$@"
