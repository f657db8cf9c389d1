# Paths, messages and process control shared by the scripts in this folder. Sourced, never run.
#
# A *member* is one server process (kafka-1, redis, …). Its folder is $RUN/<member>: pid, log, configuration, data.
# A PID counts as a member's only while that process's command line names the member's folder, so a PID file
# left behind by a crash or a reboot never makes us trust, or kill, somebody else's process.
# shellcheck shell=bash disable=SC2034 # what looks unused here is used by the scripts that source it
set -euo pipefail
umask 022 # the unprivileged user that OpenSearch runs as must be able to read what we unpack

DEPLOY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
CHECKOUT=$(dirname "$DEPLOY")
STATE=$CHECKOUT/.footfall
SOFTWARE=$STATE/software
INSTANCE=${FOOTFALL_INSTANCE:-default}
RUN=$STATE/run/$INSTANCE

START_LIMIT_S=180 # a JVM needs 12 s on a quiet machine, more than a minute on a busy one
STOP_LIMIT_S=30   # a broker hands over its partitions before it leaves
ALL_SERVERS=(kafka redis opensearch prometheus) # what is started when none is named
OTHER_SERVERS=(redis-sentinel redis-cluster)    # other ways to run Redis, started by name

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

case $INSTANCE in
*[!a-zA-Z0-9_-]* | '') fail "FOOTFALL_INSTANCE is '$INSTANCE': use letters, digits, - and _ only." ;;
esac

# The text by which a member's process is known: its folder, as an argument of its command line.
mark_of() { printf '%s/%s/' "$RUN" "$1"; }

# Prints the PID of a member if that process is alive and is the member.
pid_of() {
    local pid line
    read -r pid 2>/dev/null <"$RUN/$1/pid" || return 1
    # A PID that is gone has no such file; a zombie has an empty one.
    line=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
    [[ $line == *"$(mark_of "$1")"* ]] && printf '%s' "$pid"
}

running() { pid_of "$1" >/dev/null; }

# launch MEMBER COMMAND…: starts COMMAND apart from this terminal; its command line must contain mark_of MEMBER.
launch() {
    local member=$1 waited
    shift
    # The lock of up.sh must not live on in the server.
    (
        exec 9>&- </dev/null >>"$RUN/$member/log" 2>&1
        printf '%s\n' "$BASHPID" >"$RUN/$member/pid"
        exec setsid "$@"
    ) &
    # Until the last exec the process still looks like this script.
    for waited in {1..50}; do
        running "$member" && return 0
        kill -0 $! 2>/dev/null || return 0 # it died: the wait for readiness reports it, with its log
        sleep 0.1
    done
    say "$member has not become its own process after $((waited / 10)) s."
}

# Members of every server this instance has ever started.
known_members() {
    local file
    for file in "$RUN"/*/pid; do
        [ -e "$file" ] && basename "$(dirname "$file")"
    done
    return 0
}

# maven JAVA GOAL ARGUMENT…: runs a goal of the dependency plugin, with artefacts checked against their checksums.
# JAVA is the home of a Java to run Maven with where there is none on the PATH.
maven() {
    local java=$1 goal=$2 log=$SOFTWARE/maven.log
    shift 2
    command -v mvn >/dev/null || fail "mvn is not installed: run deploy/install.sh servers."
    command -v java >/dev/null || local -x JAVA_HOME=$java
    if ! mvn -q -B --strict-checksums "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:$goal" "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "Maven could not fetch the server; see the lines above, and $log."
    fi
}

# The server that a member belongs to: kafka of kafka-1.
server_of() { printf '%s' "${1%-[0-9]*}"; }

# One server's functions: <server>_install, _members, _prepare, _start MEMBER, _ready, _address.
load_server() {
    [ -f "$DEPLOY/$1/server.sh" ] || fail "there is no server called '$1'; known: ${ALL_SERVERS[*]} ${OTHER_SERVERS[*]}."
    # shellcheck source=/dev/null
    . "$DEPLOY/$1/server.sh"
}

# start_member SERVER MEMBER: starts one that does not run. Needs ports.sh, and the server loaded and prepared.
start_member() {
    local port
    for port in $("$1_ports" "$2"); do
        if port_in_use "$port"; then
            fail "$2 needs port $port, which another program holds: stop that program (ss -ltnp" \
                "'sport = :$port'), or use another FOOTFALL_INSTANCE."
        fi
    done
    # Each start has a log of its own; the one before it is kept for the question "why did it die?".
    [ -f "$RUN/$2/log" ] && mv "$RUN/$2/log" "$RUN/$2/log.before"
    "$1_start" "$2"
}
