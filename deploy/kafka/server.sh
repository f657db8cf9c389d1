# Kafka 4.3.1 in KRaft mode: three members, each broker and controller in one. Sourced by up.sh.
# shellcheck shell=bash

# shellcheck source=/dev/null
. "$DEPLOY/kafka/secure.sh"

KAFKA_VERSION=4.3.1
KAFKA_JAVA=17
KAFKA_HEAP=(-Xms256m -Xmx384m -XX:MaxDirectMemorySize=128m)

kafka_members() { printf 'kafka-1 kafka-2 kafka-3'; }
kafka_ports() {
    local n=${1#kafka-}
    printf '%s %s' "$(kafka_port "$n")" "$(kafka_controller_port "$n")"
    ! kafka_is_secure || printf ' %s %s %s' "$(kafka_ssl_port "$n")" "$(kafka_sasl_ssl_port "$n")" "$(kafka_sasl_plaintext_port "$n")"
}
kafka_address() { printf '127.0.0.1:%s,127.0.0.1:%s,127.0.0.1:%s' "$(kafka_port 1)" "$(kafka_port 2)" "$(kafka_port 3)"; }

kafka_install() {
    local libs=$SOFTWARE/kafka-$KAFKA_VERSION
    KAFKA_JAVA_HOME=$(need_java $KAFKA_JAVA "$SOFTWARE")
    KAFKA_CLASS_PATH="$DEPLOY/kafka:$libs/*"
    [ -d "$libs" ] && return 0
    say "Fetching Kafka $KAFKA_VERSION with Maven (55 MB) …"
    rm -rf "$libs.new"
    maven "$KAFKA_JAVA_HOME" copy-dependencies -f "$DEPLOY/kafka/pom.xml" -DoutputDirectory="$libs.new"
    mv "$libs.new" "$libs"
}

kafka_prepare() {
    local n formatting=()
    kafka_prepare_secrets
    [ -f "$RUN/kafka.ids" ] || kafka_choose_ids
    # shellcheck source=/dev/null
    . "$RUN/kafka.ids"
    for n in 1 2 3; do
        mkdir -p "$RUN/kafka-$n"
        (umask 077 && kafka_properties "$n" >"$RUN/kafka-$n/server.properties") # it may hold passwords
        [ -f "$RUN/kafka-$n/data/meta.properties" ] && continue
        kafka_format "$n" &
        formatting+=($!)
    done
    for n in "${formatting[@]}"; do
        wait "$n" || fail "a broker's folder could not be formatted; see $RUN/kafka-*/format.log"
    done
}

# Cluster and directory ids: 16 random bytes each, in the base64 of URLs; the first character is no dash.
kafka_choose_ids() {
    local name
    for name in CLUSTER DIRECTORY_1 DIRECTORY_2 DIRECTORY_3; do
        printf 'KAFKA_%s=%s\n' "$name" "$(head -c 16 /dev/urandom | base64 | tr '+/' 'xy' | tr -d '=')"
    done >"$RUN/kafka.ids.new"
    mv "$RUN/kafka.ids.new" "$RUN/kafka.ids"
}

kafka_controllers() {
    printf '127.0.0.1:%s,127.0.0.1:%s,127.0.0.1:%s' \
        "$(kafka_controller_port 1)" "$(kafka_controller_port 2)" "$(kafka_controller_port 3)"
}

kafka_properties() {
    local listeners
    listeners="PLAINTEXT://127.0.0.1:$(kafka_port "$1"),CONTROLLER://127.0.0.1:$(kafka_controller_port "$1")"
    ! kafka_is_secure || listeners+=$(kafka_secure_listeners "$1")
    cat "$DEPLOY/kafka/server.properties"
    ! kafka_is_secure || kafka_secure_properties
    printf 'node.id=%s\nlog.dirs=%s\n' "$1" "$RUN/kafka-$1/data"
    printf 'listeners=%s\nadvertised.listeners=%s\n' "$listeners" "$listeners"
    printf 'controller.quorum.bootstrap.servers=%s\n' "$(kafka_controllers)"
}

kafka_format() {
    local directory n voters=() users=()
    ! kafka_is_secure || mapfile -t users < <(kafka_scram_users)
    for n in 1 2 3; do
        directory=KAFKA_DIRECTORY_$n
        voters+=("$n@127.0.0.1:$(kafka_controller_port "$n"):${!directory}")
    done
    "$KAFKA_JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -cp "$KAFKA_CLASS_PATH" kafka.tools.StorageTool format \
        -t "$KAFKA_CLUSTER" -c "$RUN/kafka-$1/server.properties" "${users[@]}" \
        --initial-controllers "$(IFS=, && printf '%s' "${voters[*]}")" >"$RUN/kafka-$1/format.log" 2>&1
}

kafka_start() {
    launch "$1" "$KAFKA_JAVA_HOME/bin/java" -server "${KAFKA_HEAP[@]}" \
        -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
        -cp "$KAFKA_CLASS_PATH" kafka.Kafka "$RUN/$1/server.properties"
}

# Every broker says that all three are there. A JVM tool would need seconds for each look.
kafka_ready() {
    python3 "$DEPLOY/kafka/ready.py" "$(kafka_port 1)" "$(kafka_port 2)" "$(kafka_port 3)"
}
