# Listeners with TLS and SASL beside the plain ones, for SECURE=1: certificates, users, and who may do what. Sourced by
# server.sh. The brokers still talk to each other, and are asked whether they are ready, over the plain listeners.
#
# What a client needs lies in $RUN/kafka-secrets: ca.pem, client.pem and client.key, password (of the user `footfall`,
# who may do everything, and of `stranger`, who may do nothing), and other-ca.pem, which signed none of it.
# shellcheck shell=bash

KAFKA_SECRETS=$RUN/kafka-secrets
KAFKA_MECHANISMS=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512

kafka_is_secure() { [ -d "$KAFKA_SECRETS" ]; }

# Decides at an instance's first start: users of SCRAM are written when the brokers' folders are formatted.
kafka_prepare_secrets() {
    [ "${SECURE:-}" = 1 ] || return 0
    kafka_is_secure && return 0
    [ ! -e "$RUN/kafka-1/data/meta.properties" ] || fail "instance '$INSTANCE' was made without SECURE=1: set another" \
        "FOOTFALL_INSTANCE, or drop this one's data with deploy/clean.sh."
    command -v openssl >/dev/null || fail "openssl is not installed, and SECURE=1 needs it for certificates:" \
        "sudo apt-get install -y openssl"
    rm -rf "$KAFKA_SECRETS.new"
    (
        umask 077
        mkdir -p "$KAFKA_SECRETS.new"
        cd "$KAFKA_SECRETS.new"
        kafka_authority ca
        kafka_authority other-ca
        kafka_certificate server /CN=kafka
        kafka_certificate client /CN=footfall
        cat server.key server.pem ca.pem >keystore.pem
        openssl rand -hex 16 | tr -d '\n' >password
    ) >"$RUN/kafka-secrets.log" 2>&1 || fail "certificates could not be made; see $RUN/kafka-secrets.log"
    mv "$KAFKA_SECRETS.new" "$KAFKA_SECRETS"
}

KAFKA_NEW_KEY=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650)

# kafka_authority NAME: a certificate that signs others.
kafka_authority() { openssl req -x509 "${KAFKA_NEW_KEY[@]}" -keyout "$1.key" -out "$1.pem" -subj "/CN=footfall-$1"; }

# kafka_certificate NAME SUBJECT: one that ca signed, for this machine.
kafka_certificate() {
    openssl req -x509 "${KAFKA_NEW_KEY[@]}" -CA ca.pem -CAkey ca.key -keyout "$1.key" -out "$1.pem" -subj "$2" \
        -addext 'basicConstraints=critical,CA:FALSE' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'
}

# What server.properties has beyond the plain listeners.
kafka_secure_properties() {
    local password listener
    password=$(cat "$KAFKA_SECRETS/password")
    printf 'listener.security.protocol.map=%s\n' \
        PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
    printf 'ssl.keystore.type=PEM\nssl.keystore.location=%s\n' "$KAFKA_SECRETS/keystore.pem"
    printf 'ssl.truststore.type=PEM\nssl.truststore.location=%s\n' "$KAFKA_SECRETS/ca.pem"
    # Who has no user there has a certificate.
    printf 'listener.name.ssl.ssl.client.auth=required\n'
    for listener in sasl_ssl sasl_plaintext; do
        printf 'listener.name.%s.sasl.enabled.mechanisms=%s\n' "$listener" "$KAFKA_MECHANISMS"
        printf 'listener.name.%s.plain.sasl.jaas.config=%s required user_footfall="%s" user_stranger="%s";\n' \
            "$listener" org.apache.kafka.common.security.plain.PlainLoginModule "$password" "$password"
        for mechanism in scram-sha-256 scram-sha-512; do
            printf 'listener.name.%s.%s.sasl.jaas.config=%s required;\n' \
                "$listener" "$mechanism" org.apache.kafka.common.security.scram.ScramLoginModule
        done
    done
    # Whoever comes over a plain listener is ANONYMOUS: the brokers themselves, and tests of other things.
    printf 'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n'
    printf 'super.users=User:ANONYMOUS;User:footfall;User:CN=footfall\n'
}

# kafka_secure_listeners N: in the form of `listeners`, each after a comma.
kafka_secure_listeners() {
    printf ',SSL://127.0.0.1:%s,SASL_SSL://127.0.0.1:%s,SASL_PLAINTEXT://127.0.0.1:%s' \
        "$(kafka_ssl_port "$1")" "$(kafka_sasl_ssl_port "$1")" "$(kafka_sasl_plaintext_port "$1")"
}

# The users of SCRAM as StorageTool takes them, a line each.
kafka_scram_users() {
    local mechanism
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
        printf '%s\n%s\n' --add-scram "$mechanism=[name=footfall,password=$(cat "$KAFKA_SECRETS/password")]"
    done
}

# Lines for the instance's env file.
kafka_secure_env() {
    local listener
    for listener in ssl sasl_ssl sasl_plaintext; do
        printf 'FOOTFALL_KAFKA_%s=127.0.0.1:%s,127.0.0.1:%s,127.0.0.1:%s\n' "${listener^^}" \
            "$("kafka_${listener}_port" 1)" "$("kafka_${listener}_port" 2)" "$("kafka_${listener}_port" 3)"
    done
    printf 'FOOTFALL_KAFKA_SECRETS=%q\n' "$KAFKA_SECRETS"
}
