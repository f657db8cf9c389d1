#!/usr/bin/env bash
# usage: deploy/clean.sh [all]
# Stops this instance (FOOTFALL_INSTANCE) and deletes its data and its choice of ports. With `all`: every instance
# of this checkout, and the servers' software too. `footfall demo`'s own data are not touched.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Where OpenSearch's files lie when its user cannot read this checkout; see opensearch/server.sh.
outside=
[ -f "$STATE/outside" ] && read -r outside <"$STATE/outside"
case $outside in '' | /var/tmp/footfall-*) ;; *) fail "$STATE/outside names $outside, which is not ours to delete." ;; esac

main() {
    local folder
    case ${1:-} in
    '')
        "$DEPLOY/down.sh"
        rm -rf "$RUN" ${outside:+"$outside/run/$INSTANCE"}
        ;;
    all)
        for folder in "$STATE"/run/*/; do
            [ -d "$folder" ] && FOOTFALL_INSTANCE=$(basename "$folder") "$DEPLOY/down.sh"
        done
        rm -rf "$STATE/run" "$SOFTWARE" "$STATE/outside" ${outside:+"$outside"}
        ;;
    *) fail "usage: deploy/clean.sh [all]" ;;
    esac
}

main "$@"
