//! TLS, users and their rights, in every topology.

use views::redis::{Address, Store};
use views::{Error, Question, Sink, Stored, Views};

use super::certificates::{Certificates, rights};
use super::group::{Group, Topology};
use super::node::Node;
use super::{Redis, SMALL};
use crate::conformance::definition;
use crate::conformance::suite::{self, logs};

const OF_SENTINELS: &str = "&sentinelUsername=footfall&sentinelPassword=secret";
const WRITER: &str = "footfall-writer:secret@";
const READER: &str = "footfall-reader:secret@";

async fn with_no_more_rights_than_needed(topology: Topology) {
    let certificates = Certificates::new();
    let group = Group::start_with(topology, certificates.wire(topology)).await;
    let address = |user| certificates.shown_by(group.address_as(user, OF_SENTINELS));
    let mut back = Redis::at(address(WRITER), 2).await;
    let logs = logs(51, &back);
    let write = back.store.clone().with_limits(SMALL);
    let at = [40, 200];
    for (log, at) in logs.iter().zip(at) {
        assert_eq!(
            write.apply(&log.change(0, 10)).await.unwrap(),
            Stored::At(10)
        );
        assert_eq!(write.fill(&log.whole(at)).await.unwrap(), Stored::At(at));
    }
    for partition in 0..2 {
        write.sweep(partition).await.unwrap();
    }
    let reader = Store::connect_to_read(address(READER), &back.definition).await;
    let reader = reader.unwrap();
    let refused = reader.apply(&logs[0].change(40, 41)).await;
    assert!(
        matches!(&refused, Err(Error::Fatal(text)) if text.contains("fcall") && text.contains("ACL SETUSER")),
        "{refused:?}"
    );
    assert_eq!(reader.stored(0).await.unwrap(), Stored::At(40));
    assert_a_look_needs_no_more([(address(WRITER), true), (address(READER), false)], &back).await;
    back.store = reader;
    suite::judge(&back, &logs, &at).await;
    assert_functions_may_be_lost(&group, &back, &write).await;
}

/// Whoever writes or reads may look, and a look says who may write.
async fn assert_a_look_needs_no_more(users: [(Address, bool); 2], back: &Redis) {
    for (user, may_write) in users {
        let look = Store::connect_to_look(user, &back.definition).await;
        let look = look.unwrap();
        let findings = look.findings().await.unwrap();
        assert!(!findings.iter().any(|of| of.refused), "{findings:?}");
        let says = |of: &views::Finding| of.sentence.contains("may read the views and not write");
        let is_told = findings.iter().filter(|of| says(of)).count();
        assert_eq!(is_told, usize::from(!may_write), "{findings:?}");
        let asked = |of: &views::Finding| !of.sentence.contains("can't be asked");
        assert!(findings.iter().all(asked), "{findings:?}");
        assert!(look.version().await.unwrap().starts_with(char::is_numeric));
        assert_eq!(look.stamps().await.unwrap().len(), 2);
        let held = look.definitions().await.unwrap();
        assert_eq!(held.partitions.get(&back.definition.id()), Some(&2));
    }
}

/// A reader waits for the functions, a writer brings them.
async fn assert_functions_may_be_lost(group: &Group, back: &Redis, write: &Store) {
    for place in group.primaries() {
        group.nodes[place].ask(&["FUNCTION", "FLUSH"]);
    }
    let waits = back.store.ask(&Question::Campaigns).await;
    assert!(
        matches!(&waits, Err(Error::Transient { detail, .. }) if detail.contains("a processor loads them")),
        "{waits:?}"
    );
    for partition in 0..2 {
        write.dump_partition(partition).await.unwrap();
    }
    back.store.ask(&Question::Campaigns).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn by_tls_with_the_rights_of_the_page_views_are_written_and_read() {
    with_no_more_rights_than_needed(Topology::Standalone).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn by_tls_with_the_rights_of_the_page_views_are_written_and_read_with_sentinels() {
    with_no_more_rights_than_needed(Topology::Sentinel).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn by_tls_with_the_rights_of_the_page_views_are_written_and_read_in_a_cluster() {
    with_no_more_rights_than_needed(Topology::Cluster).await;
}

/// The sentence that ends a process which connects there.
async fn refusal(address: Address) -> String {
    match Store::connect(address, &definition(1)).await {
        Err(Error::Fatal(sentence)) => sentence,
        Err(error) => panic!("it may not pass: {error}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn whoever_is_not_let_in_is_told_why_in_every_topology() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    for topology in Topology::ALL {
        let group = Group::start_with(topology, certificates.wire(topology)).await;
        let address = |user, parameters| certificates.shown_by(group.address_as(user, parameters));
        let says = async |address: Address, words: &[&str]| {
            let sentence = refusal(address).await;
            let all = words.iter().all(|word| sentence.contains(word));
            assert!(all, "{topology:?}: {sentence}");
            assert!(!sentence.contains("secret"), "{sentence}");
        };
        says(
            address("", OF_SENTINELS),
            &["wants a user and a password", "redis.url"],
        )
        .await;
        says(
            address("footfall-writer:wrong@", OF_SENTINELS),
            &["no such user or password"],
        )
        .await;
        let mut untrusted = address(WRITER, OF_SENTINELS);
        untrusted.ca = others.path("ca.pem");
        says(untrusted, &["not to be trusted", "redis.ca"]).await;
        if topology == Topology::Sentinel {
            says(
                address(WRITER, ""),
                &["sentinel 127.0.0.1", "sentinelPassword"],
            )
            .await;
            let wrong = "&sentinelUsername=footfall&sentinelPassword=wrong";
            says(
                address(WRITER, wrong),
                &["sentinel 127.0.0.1", "no such user or password"],
            )
            .await;
        }
        let mut nobody = address(WRITER, OF_SENTINELS);
        (nobody.certificate, nobody.key) = (String::new(), String::new());
        says(nobody, &["redis.certificate"]).await;
        let mut plain = Address::from(
            &group
                .address_as(WRITER, OF_SENTINELS)
                .url
                .replacen("rediss", "redis", 1),
        );
        plain.ca = String::new();
        let refused = Store::connect(plain, &definition(1)).await.err();
        assert!(
            matches!(refused, Some(Error::Transient { .. })),
            "{topology:?}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_right_that_is_missing_is_named() {
    let group = Group::start(Topology::Standalone).await;
    let node: &Node = &group.nodes[0];
    for right in ["+function|load", "+hset", "+fcall ", "+info"] {
        let line = &rights()[0];
        assert!(line.contains(right), "{line}");
        let fewer = line.replace("SETUSER footfall-writer", "SETUSER footfall-writer reset");
        let minus = right.trim().replacen('+', "-", 1);
        let words: Vec<&str> = fewer.split_whitespace().chain([minus.as_str()]).collect();
        assert_eq!(node.ask(&words), "OK");
        let address = group.address_as(WRITER, "");
        let refused = match Store::connect(address, &definition(1)).await {
            Ok(store) => {
                let back = Redis {
                    store,
                    definition: definition(1),
                };
                let change = logs(52, &back).remove(0).change(0, 5);
                back.store.apply(&change).await.err()
            }
            Err(error) => Some(error),
        };
        let named = right
            .trim_start_matches('+')
            .split('|')
            .next()
            .unwrap()
            .trim();
        assert!(
            matches!(&refused, Some(Error::Fatal(text)) if text.to_lowercase().contains(named) && text.contains("docs/operations.md")),
            "without {right}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_right_that_only_a_look_lacks_is_named() {
    let group = Group::start(Topology::Standalone).await;
    for (right, named) in [("-scan", "scan"), ("-fcall_ro", "fcall_ro")] {
        let fewer = rights()[1].replace("SETUSER footfall-reader", "SETUSER footfall-reader reset");
        let words: Vec<&str> = fewer.split_whitespace().chain([right]).collect();
        assert_eq!(group.nodes[0].ask(&words), "OK");
        let look = Store::connect_to_look(group.address_as(READER, ""), &definition(1)).await;
        let look = look.unwrap();
        let refused = match look.findings().await {
            Ok(_) => look.definitions().await.err(),
            Err(error) => Some(error),
        };
        assert!(
            matches!(&refused, Some(Error::Fatal(text)) if text.contains(named) && text.contains("docs/operations.md")),
            "{right}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_server_without_tls_is_not_waited_for_by_one_who_wants_it() {
    let certificates = Certificates::new();
    let group = Group::start(Topology::Standalone).await;
    let url = group.address().url.replacen("redis", "rediss", 1);
    let address = certificates.shown_by(Address::from(&url));
    let refused = Store::connect(address, &definition(1)).await.err();
    assert!(
        matches!(refused, Some(Error::Transient { .. })),
        "{refused:?}"
    );
}

#[test]
fn files_of_tls_that_cannot_be_used_are_named_with_their_setting() {
    let certificates = Certificates::new();
    let good = certificates.shown_by(Address::from("rediss://127.0.0.1:6379"));
    good.check().unwrap();
    let sentence = |change: fn(&mut Address)| {
        let mut address = good.clone();
        change(&mut address);
        address.check().unwrap_err().to_string()
    };
    for (said, setting) in [
        (
            sentence(|a| a.ca = "/nowhere/ca.pem".to_owned()),
            "redis.ca names /nowhere",
        ),
        (sentence(|a| a.ca = a.key.clone()), "redis.ca names"),
        (
            sentence(|a| a.certificate = a.key.clone()),
            "redis.certificate names",
        ),
        (sentence(|a| a.key = a.ca.clone()), "redis.key names"),
        (
            sentence(|a| a.key = String::new()),
            "redis.certificate and redis.key",
        ),
        (
            sentence(|a| a.url = "redis://127.0.0.1:6379".to_owned()),
            "redis.ca is used with TLS only",
        ),
    ] {
        assert!(said.contains(setting), "{said}");
    }
}
