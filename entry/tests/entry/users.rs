//! Who asks is who has been signed, and nobody else.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use entry::{Entries, Folds, Following, Gateway, Users};
use log::embedded::Log;

use crate::support::{Answered, LONGEST_WAIT, NOW_MS, PARTITIONS, send};

const SECRET: &[u8] = b"a secret of thirty-two bytes ...";

struct Served {
    router: Router,
    _following: Following,
    _folder: tempfile::TempDir,
}

async fn served(users: Users) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&folder.path().join("log.sqlite"), PARTITIONS).unwrap();
    let folds = Folds::new(PARTITIONS);
    let consumer = log.consumer("entries", folds.clone()).unwrap();
    let following = Following::start(folds.clone(), consumer).unwrap();
    let ready = async {
        while folds.ready().is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, ready).await.unwrap();
    let producer = |topic| log.producer(topic).unwrap();
    let entries = Entries::new(folds, producer("entries"), producer("campaigns"), users).unwrap();
    let entries = entries.with_clock(Arc::new(|| NOW_MS));
    let gateway = Gateway::new(producer("events"), 1).unwrap();
    Served {
        router: entry::router(gateway.with_entries(entries)),
        _following: following,
        _folder: folder,
    }
}

/// What somebody at that address is told of the seat of 민지.
async fn seat(served: &Served, from: [u8; 4], assertion: Option<&str>) -> Answered {
    let path = "/v1/activities/raffle/entries/%EB%AF%BC%EC%A7%80";
    let mut request = Request::get(path);
    if let Some(assertion) = assertion {
        request = request.header("footfall-user", assertion);
    }
    let mut request = request.body(Body::empty()).unwrap();
    let peer = SocketAddr::from((from, 5_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    send(&served.router, request).await
}

fn signed(user: &str, expiry: i64, secret: &[u8]) -> String {
    let text = format!("{user}.{expiry}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    let tag: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{text}.{tag}")
}

#[tokio::test]
async fn a_user_is_who_was_signed_until_it_expires() {
    let served = served(Users::by_hmac(SECRET).unwrap()).await;
    let now = NOW_MS / 1_000;
    let good = signed("민지", now + 1, SECRET);
    let longer = good.replacen(&(now + 1).to_string(), &(now + 9).to_string(), 1);
    for (assertion, status, said) in [
        (Some(good.as_str()), 404, ""),
        (None, 401, "no-user"),
        (Some("민지"), 401, "wrong-user"),
        (Some("민지.9999999999."), 401, "wrong-user"),
        (Some(&signed("민지", now, SECRET)), 401, "wrong-user"),
        (Some(&signed("민지", now + 1, &[0; 32])), 401, "wrong-user"),
        (Some(&good.replace("민지", "민수")), 401, "wrong-user"),
        (Some(&longer), 401, "wrong-user"),
        // Another's own assertion opens nothing of somebody else's.
        (Some(&signed("민수", now + 1, SECRET)), 403, "other-user"),
    ] {
        let answer = seat(&served, [10, 0, 0, 1], assertion).await;
        assert_eq!(answer.status, status, "{assertion:?}: {}", answer.body);
        match said {
            "" => assert_eq!(answer.body["outcome"], "no_seat"),
            said => assert_eq!(answer.problem(), said, "{assertion:?}"),
        }
    }
    // A user's id may have dots itself.
    let dotted = signed("민지", now + 1, SECRET).replacen("민지", "민지.x", 1);
    assert_eq!(
        seat(&served, [10, 0, 0, 1], Some(&dotted)).await.status,
        401
    );
    let dotted = signed("a.b@example.org", now + 1, SECRET);
    assert_eq!(
        seat(&served, [10, 0, 0, 1], Some(&dotted)).await.status,
        403
    );
}

#[tokio::test]
async fn users_who_only_say_who_they_are_are_served_on_this_machine_alone() {
    let served = served(Users::as_claimed()).await;
    assert_eq!(
        seat(&served, [127, 0, 0, 1], Some("민지")).await.status,
        404
    );
    let far = seat(&served, [10, 0, 0, 1], Some("민지")).await;
    assert_eq!((far.status, far.problem()), (401, "wrong-user"));
}

#[test]
fn a_secret_that_could_be_guessed_is_refused() {
    let refused = Users::by_hmac(b"short").err().unwrap();
    assert!(refused.contains("at least 32"), "{refused}");
}
