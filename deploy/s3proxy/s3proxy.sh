#!/usr/bin/env bash
# usage: deploy/s3proxy/s3proxy.sh install
#        deploy/s3proxy/s3proxy.sh run FOLDER PORT
#   install  fetches S3Proxy; again: changes nothing
#   run      becomes an S3-compatible server on 127.0.0.1:PORT that keeps each bucket as a folder in FOLDER/buckets
# It stands in for S3 in tests, which start and stop it themselves. It checks signatures, made with the key `footfall`
# and the secret `only-for-tests`.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
# shellcheck source=/dev/null
. "$DEPLOY/java.sh"

S3PROXY_VERSION=4.1.0
S3PROXY_JAVA=17
LIBS=$SOFTWARE/s3proxy-$S3PROXY_VERSION

install() {
    [ -d "$LIBS" ] && return 0
    local java
    java=$(need_java $S3PROXY_JAVA "$SOFTWARE")
    say "Fetching S3Proxy $S3PROXY_VERSION with Maven (18 MB) …"
    mkdir -p "$SOFTWARE"
    rm -rf "$LIBS.new"
    maven "$java" copy-dependencies -f "$DEPLOY/s3proxy/pom.xml" -DoutputDirectory="$LIBS.new"
    mv "$LIBS.new" "$LIBS"
}

run() {
    local folder=$1 port=$2 java
    [ -d "$LIBS" ] || fail "S3Proxy is not there: run deploy/install.sh test."
    java=$(java_home $S3PROXY_JAVA "$SOFTWARE") || fail "no Java $S3PROXY_JAVA or later: run deploy/install.sh test."
    mkdir -p "$folder/buckets"
    cat >"$folder/s3proxy.conf" <<END
s3proxy.endpoint=http://127.0.0.1:$port
s3proxy.authorization=aws-v4
s3proxy.identity=footfall
s3proxy.credential=only-for-tests
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$folder/buckets
jclouds.identity=unused
jclouds.credential=unused
END
    exec "$java/bin/java" -XX:TieredStopAtLevel=1 -Xmx128m -Djava.awt.headless=true \
        -cp "$DEPLOY/s3proxy:$LIBS/*" org.gaul.s3proxy.Main --properties "$folder/s3proxy.conf"
}

case "${1:-} $#" in
'install 1') install ;;
'run 3') run "$2" "$3" ;;
*)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
