# Prometheus: Debian's, scraping Footfall's own /metrics. Sourced by up.sh.
# shellcheck shell=bash

prometheus_install() {
    command -v prometheus >/dev/null || fail "prometheus is not installed: run deploy/install.sh servers."
}
prometheus_members() { printf 'prometheus'; }
prometheus_ports() { prometheus_port; }
prometheus_address() { printf 'http://127.0.0.1:%s' "$(prometheus_port)"; }

# Addresses that somebody added stay.
prometheus_target() {
    local file=$RUN/prometheus/targets/$1.yml
    [ -s "$file" ] || printf -- '- targets: ["127.0.0.1:%s"]\n' "$2" >"$file"
}

prometheus_prepare() {
    mkdir -p "$RUN/prometheus/data" "$RUN/prometheus/targets" "$RUN/prometheus/rules"
    cp "$DEPLOY/prometheus/prometheus.yml" "$RUN/prometheus/"
    cp "$DEPLOY/prometheus/rules/recording.yml" "$DEPLOY/prometheus/rules/alerts.yml" "$RUN/prometheus/rules/"
    prometheus_target process "$(process_metrics_port)"
    prometheus_target api "$(api_port)"
    prometheus_target entry "$(entry_port)"
    prometheus_target canary "$(canary_port)"
}

prometheus_start() {
    launch prometheus prometheus --config.file="$RUN/prometheus/prometheus.yml" \
        --storage.tsdb.path="$RUN/prometheus/data" --web.listen-address="127.0.0.1:$(prometheus_port)" \
        --web.enable-lifecycle --log.level=warn
}

prometheus_ready() { curl -fsS --max-time 5 -o /dev/null "$(prometheus_address)/-/ready" 2>/dev/null; }
