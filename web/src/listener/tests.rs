//! Whoever is silent is not waited for.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Nobody answers as slowly as these clients ask.
const SHORT: Times = Times {
    handshake: Duration::from_millis(200),
    head: Duration::from_millis(200),
    body: Duration::from_millis(200),
    grace: Duration::from_millis(200),
};
/// How long a connection that must be closed is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(180);

fn settings(with_tls: bool) -> Settings {
    let file = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
        if with_tls {
            folder.join(name)
        } else {
            PathBuf::new()
        }
    };
    Settings {
        host: "127.0.0.1".to_owned(),
        certificate: file("first.pem"),
        key: file("first.key"),
        ..Settings::default()
    }
}

/// Where a listener with short times serves a path that takes a body.
async fn serve(with_tls: bool) -> SocketAddr {
    let mut listener = Listener::open(&settings(with_tls)).await.unwrap();
    listener.times = SHORT;
    let address = listener.address().unwrap();
    let take = |body: String| async move { body };
    let router = Router::new().route("/", axum::routing::post(take));
    tokio::spawn(listener.serve(router, std::future::pending()));
    address
}

/// What is said, until the connection is closed, to who sends this and then nothing.
async fn said_to(address: SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let closed = tokio::time::timeout(LONGEST_WAIT, stream.read_to_end(&mut said)).await;
    assert!(closed.is_ok(), "{sent:?} is still waited for");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_handshake_a_head_and_a_body_that_stand_still_are_not_waited_for() {
    assert_eq!(said_to(serve(true).await, "").await, "");
    let address = serve(false).await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\n";
    for sent in [
        "",
        "POST / HTT",
        head,
        &format!("{head}content-length: 9\r\n\r\nhalf"),
    ] {
        let said = said_to(address, sent).await;
        assert!(!said.starts_with("HTTP/1.1 200"), "{sent:?}: {said}");
    }
    // The same, whole: what is closed is only what stood still.
    let whole = format!("{head}connection: close\r\ncontent-length: 4\r\n\r\nhalf");
    assert!(said_to(address, &whole).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_listener_from_ending() {
    let mut listener = Listener::open(&settings(false)).await.unwrap();
    listener.times = SHORT;
    let address = listener.address().unwrap();
    let (entered, is_in) = tokio::sync::oneshot::channel::<()>();
    let entered = Arc::new(std::sync::Mutex::new(Some(entered)));
    let stuck = move || {
        let entered = entered.lock().unwrap().take();
        async move {
            entered.unwrap().send(()).unwrap();
            std::future::pending::<()>().await;
        }
    };
    let router = Router::new().route("/", axum::routing::get(stuck));
    let serving = tokio::spawn(listener.serve(router, async {
        is_in.await.unwrap();
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let ended = tokio::time::timeout(LONGEST_WAIT, serving).await;
    ended.unwrap().unwrap().unwrap();
}
