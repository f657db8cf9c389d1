//! TLS, users and their rights, in every topology.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use views::redis::{Address, Store};
use views::{Error, Question, Sink, Stored, Views};

use super::group::{Group, Topology};
use super::node::{Node, Wire};
use super::{Redis, SMALL};
use crate::conformance::definition;
use crate::conformance::suite::{self, logs};

/// What operators are told to give to users.
const PAGE: &str = include_str!("../../../docs/operations.md");

/// An authority's and two other certificates, in files.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Named as its certificates are by default, it would seem that they signed themselves.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of a test");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        for name in ["server", "client"] {
            let params =
                CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]);
            let key = KeyPair::generate().unwrap();
            let certificate = params.unwrap().signed_by(&key, &authority).unwrap();
            std::fs::write(folder.path().join(format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(
                folder.path().join(format!("{name}.key")),
                key.serialize_pem(),
            )
            .unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.display().to_string()
    }

    /// Servers with a TLS port only that ask clients for a certificate, with passwords, and with
    /// the users that the page describes.
    fn wire(&self, topology: Topology) -> Wire {
        let (ca, certificate, key) = (
            self.path("ca.pem"),
            self.path("server.pem"),
            self.path("server.key"),
        );
        let tls = vec![
            format!("tls-cert-file {certificate}"),
            format!("tls-key-file {key}"),
            format!("tls-ca-cert-file {ca}"),
            "tls-auth-clients yes".to_owned(),
            "tls-replication yes".to_owned(),
        ];
        let mut lines = tls.clone();
        lines.extend([
            "requirepass operator".to_owned(),
            "masterauth operator".to_owned(),
        ]);
        lines.extend(rights().into_iter().map(|line| {
            // The same line in a file begins with the command's last word.
            line.replace("ACL SETUSER ", "user ")
        }));
        if topology == Topology::Cluster {
            lines.push("tls-cluster yes".to_owned());
        }
        let mut sentinel_lines = tls;
        sentinel_lines.extend(
            [
                "requirepass watcher",
                "sentinel sentinel-pass watcher",
                "user footfall on >secret -@all +ping +auth +info +client|id +sentinel|get-master-addr-by-name +sentinel|sentinels",
                "sentinel auth-pass views operator",
            ]
            .map(str::to_owned),
        );
        let cli = |password: &str| {
            let words = [
                "--tls",
                "--cacert",
                &ca,
                "--cert",
                &certificate,
                "--key",
                &key,
                "-a",
                password,
                "--no-auth-warning",
            ];
            words.map(str::to_owned).to_vec()
        };
        Wire {
            lines,
            sentinel_lines,
            cli: cli("operator"),
            sentinel_cli: cli("watcher"),
            tls: true,
        }
    }

    /// With this client's files.
    fn shown_by(&self, mut address: Address) -> Address {
        address.ca = self.path("ca.pem");
        address.certificate = self.path("client.pem");
        address.key = self.path("client.key");
        address
    }
}

/// The page's lines for users, with the password that it asks to be replaced.
fn rights() -> Vec<String> {
    let lines = PAGE.lines().map(str::trim);
    let lines: Vec<String> = lines
        .filter(|line| line.starts_with("ACL SETUSER footfall-"))
        .map(|line| line.replace(">a-long-password", ">secret"))
        .collect();
    assert_eq!(lines.len(), 2, "a writer and a reader");
    lines
}

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
    back.store = reader;
    suite::judge(&back, &logs, &at).await;
    assert_functions_may_be_lost(&group, &back, &write).await;
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
