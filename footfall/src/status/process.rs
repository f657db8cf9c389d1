//! What one process says of its partitions: made here by the process, read here by the command.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use pipeline::rejection::Reason;
use processor::status::{Partition, Status};
use serde::{Deserialize, Serialize};

/// Where a process serves it.
pub const PATH: &str = "/v1/status";
/// What stands before a processor's address in its name in the consumer group.
const NAME: &str = "footfall@";

/// A process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Process {
    /// The definition it folds under.
    pub definition: String,
    /// Its partitions.
    pub partitions: BTreeMap<u32, Owned>,
    /// Bytes of state, all partitions together, estimated.
    pub state_bytes: u64,
}

/// A partition as its owner has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Owned {
    /// The first offset not folded.
    pub next_offset: u64,
    /// Log time there, milliseconds since the epoch.
    pub log_time_ms: i64,
    /// The first offset not in the checkpoint.
    pub checkpointed: u64,
    /// How far each store holds it, by the store's name, as the owner knows.
    pub stored: BTreeMap<String, u64>,
    /// Records set aside, by reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// Dead letters not yet delivered.
    pub letters_waiting: usize,
    /// Why it stands still, if it does.
    pub halted: Option<String>,
}

impl Process {
    /// What this process says now.
    pub fn of(definition: &str, status: &Status) -> Self {
        let partitions = status.partitions();
        Self {
            definition: definition.to_owned(),
            state_bytes: status.memory(),
            partitions: partitions
                .iter()
                .map(|(partition, of)| (*partition, Owned::of(of)))
                .collect(),
        }
    }
}

impl Owned {
    fn of(partition: &Partition) -> Self {
        let count = |reason: &Reason, refused: u64| match reason {
            Reason::Late => partition.tally.late,
            _ => refused,
        };
        let counts = Reason::ALL.iter().zip(partition.tally.dead_lettered);
        Self {
            next_offset: partition.next_offset,
            log_time_ms: partition.log_time,
            checkpointed: partition.checkpointed,
            stored: partition
                .stored
                .iter()
                .map(|(store, offset)| ((*store).to_owned(), *offset))
                .collect(),
            dead_letters: counts
                .map(|(reason, refused)| (reason.as_str().to_owned(), count(reason, refused)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            letters_waiting: partition.letters_waiting,
            halted: partition.halted.clone(),
        }
    }
}

/// What a processor that serves HTTP there calls itself in the group. One that was told a host name is asked by it, for
/// its certificate is mostly for a name.
pub fn name_in_group(scheme: &str, host: &str, address: SocketAddr) -> String {
    if host.parse::<IpAddr>().is_ok() {
        return format!("{NAME}{scheme}://{address}");
    }
    format!("{NAME}{scheme}://{host}:{}", address.port())
}

/// Where a member of the group says that it serves HTTP. Whoever may read the group may say so: what is claimed here
/// is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    has_tls: bool,
    host: Host,
    port: u16,
    /// The host from which the broker sees the member come.
    seen: Option<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl Claim {
    /// By the member's name in the group; one that listens everywhere is asked at the host from which the broker sees it
    /// come. `None` for who is no processor of ours.
    pub fn of(name: &str, host: &str) -> Option<Self> {
        let (scheme, claimed) = name.strip_prefix(NAME)?.split_once("://")?;
        let has_tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let seen = host.parse().ok().map(|host: IpAddr| host.to_canonical());
        let (host, port) = match claimed.parse::<SocketAddr>() {
            Ok(at) if at.ip().is_unspecified() => (Host::Address(seen?), at.port()),
            Ok(at) => (Host::Address(at.ip()), at.port()),
            Err(_) => {
                let (name, port) = claimed.rsplit_once(':')?;
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
                if name.is_empty() || !name.bytes().all(is_name) {
                    return None;
                }
                (Host::Name(name.to_owned()), port.parse().ok()?)
            }
        };
        Some(Self {
            has_tls,
            host,
            port,
            seen,
        })
    }

    /// The address to ask.
    pub fn url(&self) -> String {
        let scheme = if self.has_tls { "https" } else { "http" };
        let port = self.port;
        match &self.host {
            Host::Address(ip) => format!("{scheme}://{}", SocketAddr::new(*ip, port)),
            Host::Name(name) => format!("{scheme}://{name}:{port}"),
        }
    }

    /// The addresses that it stands for; none where a name is not known.
    pub async fn addresses(&self) -> Vec<IpAddr> {
        match &self.host {
            Host::Address(ip) => vec![*ip],
            Host::Name(name) => {
                let found = tokio::net::lookup_host((name.as_str(), self.port)).await;
                found.map_or_else(|_| Vec::new(), |found| found.map(|at| at.ip()).collect())
            }
        }
    }

    /// Whether a token may be sent there: to the host that the broker sees, and by TLS unless it is this machine.
    ///
    /// # Errors
    /// With what keeps it from being sent, and what to do.
    pub fn may_be_told_a_token(&self, addresses: &[IpAddr]) -> Result<(), String> {
        let is_there = |seen: IpAddr| {
            // A name of this machine may stand for both loopback addresses.
            let mut at = addresses.iter().map(IpAddr::to_canonical);
            !addresses.is_empty()
                && at.all(|ip| {
                    ip == seen || (ip.is_loopback() && seen.is_loopback() && self.is_named())
                })
        };
        if !self.seen.is_some_and(is_there) {
            let seen = self
                .seen
                .map_or("an unknown host".to_owned(), |seen| seen.to_string());
            return Err(format!(
                "the token was not sent, for Kafka sees this member come from {seen}: let the processor listen on the address from which it reaches Kafka, or on 0.0.0.0"
            ));
        }
        let is_here = addresses.iter().all(|ip| ip.to_canonical().is_loopback());
        if !self.has_tls && !is_here {
            return Err(
                "the token was not sent, for it would go unencrypted to another machine: set http.certificate and http.key of the processor"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn is_named(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn claim(scheme: &str, address: &str, host: &str) -> Claim {
        let address: SocketAddr = address.parse().unwrap();
        let name = name_in_group(scheme, &address.ip().to_string(), address);
        Claim::of(&name, host).unwrap()
    }

    #[test]
    fn a_processor_is_found_by_its_name_in_the_group() {
        let found = claim("http", "127.0.0.1:9101", "10.0.0.5");
        assert_eq!(found.url(), "http://127.0.0.1:9101");
        let everywhere = claim("https", "0.0.0.0:9101", "10.0.0.5");
        assert_eq!(everywhere.url(), "https://10.0.0.5:9101");
        for name in [
            "rdkafka",
            "footfall@ftp://10.0.0.5:21",
            "footfall@http://:1",
            "footfall@http://a/b:1",
            "footfall@http://a@b:1",
            "footfall@http://a:b",
        ] {
            assert_eq!(Claim::of(name, "10.0.0.5"), None, "{name}");
        }
    }

    #[test]
    fn a_processor_with_a_name_is_asked_by_it_and_told_a_token_where_it_stands_for_the_host_seen() {
        let at = "10.0.0.7:9101".parse().unwrap();
        let name = name_in_group("https", "processor-1.shop", at);
        let claim = Claim::of(&name, "10.0.0.7").unwrap();
        assert_eq!(claim.url(), "https://processor-1.shop:9101");
        let told = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
            claim.may_be_told_a_token(&addresses).is_ok()
        };
        assert!(told(&["10.0.0.7"]));
        assert!(!told(&["10.0.0.8"]) && !told(&["10.0.0.7", "10.0.0.8"]) && !told(&[]));
    }

    #[test]
    fn a_token_goes_only_where_the_broker_sees_the_member_and_never_in_clear_to_another_machine() {
        for (scheme, address, host, said) in [
            ("http", "127.0.0.1:9101", "127.0.0.1", None),
            ("http", "127.0.0.1:9101", "::ffff:127.0.0.1", None),
            ("http", "[::1]:9101", "::1", None),
            ("https", "10.0.0.5:9101", "10.0.0.5", None),
            ("https", "0.0.0.0:9101", "10.0.0.5", None),
            ("http", "10.0.0.5:9101", "10.0.0.5", Some("unencrypted")),
            ("http", "0.0.0.0:9101", "10.0.0.5", Some("unencrypted")),
            ("http", "127.0.0.1:9101", "10.0.0.5", Some("10.0.0.5")),
            ("http", "127.0.0.2:9101", "127.0.0.1", Some("127.0.0.1")),
            ("https", "10.6.6.6:9101", "10.0.0.5", Some("10.0.0.5")),
            ("https", "10.6.6.6:9101", "", Some("an unknown host")),
        ] {
            let claim = claim(scheme, address, host);
            let Host::Address(ip) = claim.host else {
                panic!("{claim:?}");
            };
            let told = claim.may_be_told_a_token(&[ip]);
            let why = told.err();
            assert_eq!(why.is_some(), said.is_some(), "{address} {host}: {why:?}");
            let holds = said.is_none_or(|said| why.as_ref().is_some_and(|why| why.contains(said)));
            assert!(holds, "{address} {host}: {why:?}");
        }
    }
}
