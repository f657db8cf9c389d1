//! OpenSearch behind TLS, passwords and client certificates: entered with the right ones, refused with what to set.
//!
//! The server of these tests has no security plugin; nginx stands before it. What a missing permission looks like is
//! told by nginx in the plugin's words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
mod opensearch;
#[path = "opensearch/proxy.rs"]
mod proxy;

use opensearch::{Fold, Server, config, empty, url, without_zeroes};
use proxy::{Asks, PASSWORD, Proxy, USER};
use views::opensearch::{Access, Config, Store};
use views::{Error, Sink, Stored, Views};

fn behind(proxy: &Proxy, scheme: &str, access: Access) -> Config {
    Config {
        urls: vec![proxy.url(scheme)],
        access,
        ..config(1)
    }
}

fn with_password(proxy: &Proxy) -> Access {
    Access {
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        ca: proxy.file("ca.pem"),
        ..Access::default()
    }
}

async fn refusal(config: Config) -> String {
    match Store::connect(config).await {
        Err(Error::Fatal(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// Writes and reads through a store.
async fn assert_works(config: &Config) {
    let store = Store::connect(config.clone()).await.unwrap();
    store.fill(&empty(0)).await.unwrap();
    let mut fold = Fold::new(&config.definition);
    fold.feed(500);
    let change = fold.changes().remove(0);
    assert_eq!(store.apply(&change).await.unwrap(), Stored::At(change.to));
    let (_, cells) = store.dump().await.unwrap();
    assert_eq!(without_zeroes(cells), fold.cells());
    Server::new(store.index()).delete().await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_password_and_an_authority_let_in_and_bulks_fit_what_the_proxy_takes() {
    let proxy = Proxy::before(&url(), Asks::Password).await;
    assert_works(&behind(&proxy, "https", with_password(&proxy))).await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn who_can_not_enter_is_told_what_to_set() {
    let proxy = Proxy::before(&url(), Asks::Password).await;
    let right = with_password(&proxy);
    let nobody = Access {
        user: String::new(),
        password: String::new(),
        ..right.clone()
    };
    let wrong = Access {
        password: "another".to_owned(),
        ..right.clone()
    };
    let strange = Access {
        ca: proxy.file("other-ca.pem"),
        ..right.clone()
    };
    for (scheme, access, words) in [
        ("https", nobody, "asks who this is"),
        ("https", wrong, "refuses this user or password"),
        ("https", strange, "set opensearch.ca"),
        ("http", right, "begins with https://"),
    ] {
        let text = refusal(behind(&proxy, scheme, access)).await;
        assert!(text.contains(words), "{text}");
        assert!(
            !text.contains("another") && !text.contains(PASSWORD),
            "{text}"
        );
    }
    let plain = Config {
        urls: vec![url().replace("http://", "https://")],
        ..config(1)
    };
    let text = refusal(plain).await;
    assert!(text.contains("begins with http://"), "{text}");
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_client_certificate_lets_in_where_one_is_asked_for() {
    let proxy = Proxy::before(&url(), Asks::Certificate).await;
    let without = Access {
        ca: proxy.file("ca.pem"),
        ..Access::default()
    };
    let text = refusal(behind(&proxy, "https", without.clone())).await;
    assert!(text.contains("opensearch.certificate"), "{text}");
    let with = Access {
        certificate: proxy.file("client.pem"),
        key: proxy.file("client.key"),
        ..without
    };
    assert_works(&behind(&proxy, "https", with)).await;
}

#[tokio::test]
#[ignore = "needs servers"]
async fn a_permission_that_is_missing_is_named() {
    let proxy = Proxy::before(&url(), Asks::PasswordAndLetsRead).await;
    let config = behind(&proxy, "https", with_password(&proxy));
    let store = Store::connect(config).await.unwrap();
    let Err(Error::Fatal(text)) = store.fill(&empty(0)).await else {
        panic!("written");
    };
    assert!(text.contains("[indices:data/write/bulk]"), "{text}");
    Server::new(store.index()).delete().await;
}
