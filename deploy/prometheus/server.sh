# Prometheus: Debian's, scraping Footfall's own /metrics. Sourced by up.sh.
# shellcheck shell=bash

prometheus_install() {
    command -v prometheus >/dev/null || fail "prometheus is not installed: run deploy/install.sh servers."
}
prometheus_members() { printf 'prometheus'; }
prometheus_ports() { prometheus_port; }
prometheus_address() { printf 'http://127.0.0.1:%s' "$(prometheus_port)"; }

prometheus_prepare() {
    mkdir -p "$RUN/prometheus/data"
    sed -e "s/@PROCESS@/127.0.0.1:$(process_metrics_port)/" -e "s/@API@/127.0.0.1:$(api_port)/" \
        "$DEPLOY/prometheus/prometheus.yml" >"$RUN/prometheus/prometheus.yml"
}

prometheus_start() {
    launch prometheus prometheus --config.file="$RUN/prometheus/prometheus.yml" \
        --storage.tsdb.path="$RUN/prometheus/data" --web.listen-address="127.0.0.1:$(prometheus_port)" \
        --web.enable-lifecycle --log.level=warn
}

prometheus_ready() { curl -fsS --max-time 5 -o /dev/null "$(prometheus_address)/-/ready" 2>/dev/null; }
