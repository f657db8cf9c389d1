#!/usr/bin/env bash
# usage: benches/peers/java/build.sh
# Fetches what the gates with locks need, once, and compiles them. Prints the command that runs one, a line for each word, to
# which belong: user-lock or activity-lock, the port, the sentinels' service, and their addresses.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../../../deploy/common.sh"
# shellcheck source=/dev/null
. "$DEPLOY/java.sh"

SOURCES=$CHECKOUT/benches/peers/java
JAVA_AT_LEAST=17
LIBS=$SOFTWARE/peers-$(cksum <"$SOURCES/pom.xml" | cut -d' ' -f1)
CLASSES=$SOFTWARE/peers-classes

# The newest Java with a compiler, but one of the user's own first.
java_with_compiler() {
    local candidate
    for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/*-25-* /usr/lib/jvm/*-21-* "$(path_java_home)" /usr/lib/jvm/*; do
        if [ -x "$candidate/bin/javac" ] && [ "$(java_major "$candidate" || printf 0)" -ge $JAVA_AT_LEAST ]; then
            printf '%s' "$candidate"
            return 0
        fi
    done
    fail "no Java $JAVA_AT_LEAST or later with a compiler: sudo apt-get install -y default-jdk-headless, or set JAVA_HOME."
}

main() {
    local java
    java=$(java_with_compiler)
    if [ ! -d "$LIBS" ]; then
        say "Fetching Redisson and Undertow with Maven (24 MB) …"
        mkdir -p "$SOFTWARE"
        rm -rf "$LIBS.new"
        maven "$java" copy-dependencies -f "$SOURCES/pom.xml" -DoutputDirectory="$LIBS.new"
        mv "$LIBS.new" "$LIBS"
    fi
    rm -rf "$CLASSES"
    mkdir -p "$CLASSES"
    "$java/bin/javac" -Xlint:all,-processing,-classfile -Werror -d "$CLASSES" -cp "$LIBS/*" "$SOURCES"/*.java >&2
    printf '%s\n' "$java/bin/java" -Xms256m -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
        -cp "$CLASSES:$LIBS/*" Main
}

main "$@"
