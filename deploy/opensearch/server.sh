# OpenSearch 3.6.0: one node, or three with NODES=3. Sourced by up.sh.
#
# It refuses to run as root, so under root it runs as SERVER_USER, and its files must lie where that user can
# read: in the checkout if it can, else in a folder of /var/tmp that carries a hash of the checkout's path.
# shellcheck shell=bash

OPENSEARCH_VERSION=3.6.0
OPENSEARCH_SHA256=a91faa1dc1cadc78cb278b4f63847e19e1627a4e9de698e14e7efc14ee37b286
OPENSEARCH_JAVA=21
OPENSEARCH_HEAP=512m
# What counters and keyword fields need, of the 24 modules. analysis-common stays out: it wants locale data that
# a small JDK lacks.
OPENSEARCH_MODULES=(transport-netty4 lang-painless mapper-extras reindex)
# The first compiler only: ready in half the time. For a benchmark: FOOTFALL_OPENSEARCH_JVM=.
OPENSEARCH_JVM=${FOOTFALL_OPENSEARCH_JVM--XX:TieredStopAtLevel=1}

# An instance's number of nodes only grows: a cluster of three does not elect a leader with one.
opensearch_nodes() {
    local kept=1
    [ -f "$RUN/opensearch.nodes" ] && read -r kept <"$RUN/opensearch.nodes"
    printf '%s' $((${NODES:-1} > kept ? ${NODES:-1} : kept))
}

opensearch_members() {
    local n
    for ((n = 1; n <= $(opensearch_nodes); n++)); do printf 'opensearch-%s ' "$n"; done
}
opensearch_ports() { printf '%s %s' "$(opensearch_port "${1#opensearch-}")" "$(opensearch_transport_port "${1#opensearch-}")"; }
# Of every node, with commas.
opensearch_address() {
    local n all=
    for ((n = 1; n <= $(opensearch_nodes); n++)); do all+=,http://127.0.0.1:$(opensearch_port "$n"); done
    printf '%s' "${all#,}"
}

# Sets SERVER_USER (empty: ourselves) and OPENSEARCH_ROOT, the folder for its software and data.
opensearch_place() {
    SERVER_USER=
    OPENSEARCH_ROOT=$STATE
    [ "$(id -u)" -eq 0 ] || return 0
    SERVER_USER=nobody
    usable_by_server_user "$STATE" && return 0
    OPENSEARCH_ROOT=/var/tmp/footfall-$(printf '%s' "$CHECKOUT" | sha256sum | cut -c1-16)
    if [ ! -d "$OPENSEARCH_ROOT" ]; then
        mkdir -m 755 "$OPENSEARCH_ROOT"
        printf '%s\n' "$CHECKOUT" >"$OPENSEARCH_ROOT/checkout"
    fi
    # Anyone may write to /var/tmp: a folder that somebody else put there is not ours to run programs from.
    if [ ! -O "$OPENSEARCH_ROOT" ] || [ -L "$OPENSEARCH_ROOT" ]; then fail "$OPENSEARCH_ROOT is not ours: remove it."; fi
    printf '%s\n' "$OPENSEARCH_ROOT" >"$STATE/outside" # for `make clean-servers`
}

opensearch_install() {
    case ${NODES:-1} in 1 | 3) ;; *) fail "NODES is '$NODES': OpenSearch runs with 1 or 3 nodes." ;; esac
    opensearch_place
    mkdir -p "$OPENSEARCH_ROOT/software"
    OPENSEARCH_JAVA_HOME=$(need_java $OPENSEARCH_JAVA "$OPENSEARCH_ROOT/software")
    OPENSEARCH_HOME=$OPENSEARCH_ROOT/software/opensearch-$OPENSEARCH_VERSION
    [ -d "$OPENSEARCH_HOME" ] && return 0
    command -v unzip >/dev/null || fail "unzip is not installed: run deploy/install.sh servers."
    say "Fetching OpenSearch $OPENSEARCH_VERSION with Maven (162 MB) …"
    opensearch_fetch "$OPENSEARCH_HOME.new"
    mv "$OPENSEARCH_HOME.new/opensearch-$OPENSEARCH_VERSION" "$OPENSEARCH_HOME"
    rm -rf "$OPENSEARCH_HOME.new"
}

opensearch_fetch() {
    local top=opensearch-$OPENSEARCH_VERSION module parts
    local zip=$1/$top.zip
    rm -rf "$1"
    mkdir -p "$1"
    maven "$OPENSEARCH_JAVA_HOME" copy -DoutputDirectory="$1" \
        "-Dartifact=org.opensearch.distribution.integ-test-zip:opensearch:$OPENSEARCH_VERSION:zip"
    printf '%s  %s\n' "$OPENSEARCH_SHA256" "$zip" | sha256sum -c --quiet - >&2 ||
        fail "$zip is not the OpenSearch $OPENSEARCH_VERSION that we pinned."
    parts=("$top/LICENSE.txt" "$top/NOTICE.txt" "$top/agent/*" "$top/lib/*")
    for module in "${OPENSEARCH_MODULES[@]}"; do parts+=("$top/modules/$module/*"); done
    unzip -q "$zip" "${parts[@]}" -d "$1" || fail "$zip could not be unpacked."
    rm "$zip"
    mkdir "$1/$top"/{bin,plugins,extensions} # it would make them itself, but may not write here
    chmod -R a+rX "$1"
}

opensearch_folder() { printf '%s/run/%s/%s' "$OPENSEARCH_ROOT" "$INSTANCE" "$1"; }

opensearch_prepare() {
    local n folder nodes
    nodes=$(opensearch_nodes)
    printf '%s\n' "$nodes" >"$RUN/opensearch.nodes"
    for ((n = 1; n <= nodes; n++)); do
        folder=$(opensearch_folder "opensearch-$n")
        mkdir -p "$RUN/opensearch-$n" "$folder"/{config,data,logs,tmp}
        cp "$DEPLOY/opensearch/log4j2.properties" "$folder/config/"
        : >"$folder/config/jvm.options"
        opensearch_settings "$n" "$folder" >"$folder/config/opensearch.yml"
        [ -z "$SERVER_USER" ] || chown -R "$SERVER_USER:" "$folder"/{config,data,logs,tmp}
    done
}

opensearch_settings() {
    cat "$DEPLOY/opensearch/opensearch.yml"
    printf 'cluster.name: footfall-%s\nnode.name: opensearch-%s\n' "$INSTANCE" "$1"
    printf 'path.data: "%s/data"\npath.logs: "%s/logs"\n' "$2" "$2"
    printf 'http.port: %s\ntransport.port: %s\n' "$(opensearch_port "$1")" "$(opensearch_transport_port "$1")"
    printf 'discovery.seed_hosts: ["127.0.0.1:%s", "127.0.0.1:%s", "127.0.0.1:%s"]\n' \
        "$(opensearch_transport_port 1)" "$(opensearch_transport_port 2)" "$(opensearch_transport_port 3)"
    # Lines of a test's own.
    printf '%s\n' "${FOOTFALL_OPENSEARCH_SETTINGS-}"
}

opensearch_start() {
    local folder as_user=() vector=() compact=()
    folder=$(opensearch_folder "$1")
    [ -z "$SERVER_USER" ] || as_user=(setpriv --reuid="$SERVER_USER" --regid="$(id -g "$SERVER_USER")" --clear-groups
        --inh-caps=-all)
    java_has_module "$OPENSEARCH_JAVA_HOME" jdk.incubator.vector && vector=(--add-modules=jdk.incubator.vector)
    [ "$(java_major "$OPENSEARCH_JAVA_HOME")" -ge 25 ] && compact=(-XX:+UseCompactObjectHeaders)
    cd "$OPENSEARCH_HOME" || fail "$OPENSEARCH_HOME is gone." # the agent's jars are named relative to it
    # shellcheck disable=SC2086 # OPENSEARCH_JVM is a list of flags
    launch "$1" "${as_user[@]}" env -i PATH=/usr/bin:/bin HOME="$folder" LANG=C.UTF-8 \
        "$OPENSEARCH_JAVA_HOME/bin/java" "-Dfootfall.member=$(mark_of "$1")" \
        -Xms$OPENSEARCH_HEAP -Xmx$OPENSEARCH_HEAP -Xss1m -XX:MaxDirectMemorySize=256m \
        -XX:+UseG1GC -XX:G1ReservePercent=25 -XX:InitiatingHeapOccupancyPercent=30 "${compact[@]}" $OPENSEARCH_JVM \
        -Djava.awt.headless=true -Dfile.encoding=UTF-8 -Djna.nosys=true -XX:-OmitStackTraceInFastThrow \
        -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true -Dio.netty.recycler.maxCapacityPerThread=0 \
        -Dio.netty.allocator.numDirectArenas=0 -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true \
        -Djava.locale.providers=SPI,CLDR -Dopensearch.networkaddress.cache.ttl=60 \
        -Dopensearch.networkaddress.cache.negative.ttl=10 -Djava.io.tmpdir="$folder/tmp" \
        -XX:HeapDumpPath="$folder/logs" -XX:ErrorFile="$folder/logs/hs_err_pid%p.log" \
        "${vector[@]}" -javaagent:agent/opensearch-agent.jar \
        -Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1 \
        -Dopensearch.path.home="$OPENSEARCH_HOME" -Dopensearch.path.conf="$folder/config" \
        -Dopensearch.distribution.type=zip -Dopensearch.bundled_jdk=false \
        -cp "$OPENSEARCH_HOME/lib/*" org.opensearch.bootstrap.OpenSearch
    cd "$CHECKOUT" || fail "$CHECKOUT is gone."
}

# Every node is in the cluster, and every primary shard is served.
opensearch_ready() {
    local health
    health=$(curl -fsS --max-time 5 "http://127.0.0.1:$(opensearch_port 1)/_cluster/health" 2>/dev/null) || return 1
    [[ $health =~ \"status\":\"(green|yellow)\" && $health == *"\"number_of_nodes\":$(opensearch_nodes),"* ]]
}
