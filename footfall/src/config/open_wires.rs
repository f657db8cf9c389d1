//! What the configuration lets be read on its way to other machines.

use std::net::IpAddr;

use super::Config;

/// librdkafka's settings that make a broker prove who it is, and the values that do so.
const VERIFIES: [(&str, &[&str]); 2] = [
    ("enable.ssl.certificate.verification", &["true", "t", "1"]),
    ("ssl.endpoint.identification.algorithm", &["https"]),
];

impl Config {
    /// What would go unencrypted to another machine, passwords above all: a sentence each. OpenSearch's is found by the
    /// look at OpenSearch.
    pub fn open_wires(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Ok(Some(host)) = self.redis.address().open_wire() {
            found.push(format!(
                "the password of Redis goes to {host} unencrypted; let redis.url begin with rediss"
            ));
        }
        if let Some(broker) = self.open_broker() {
            found.push(format!(
                "the password of Kafka goes to {broker} unencrypted; set log.security = \"sasl_ssl\", or else log.sasl = \"SCRAM-SHA-512\", which proves that it is known without sending it"
            ));
        }
        if let Some(endpoint) = self.open_bucket() {
            found.push(format!(
                "snapshots go to {endpoint} unencrypted, and with them records that were set aside; name an endpoint of https:// in snapshots.options, and leave allow_http out"
            ));
        }
        found
    }

    /// The first broker on another machine that is shown the password as it is.
    fn open_broker(&self) -> Option<&str> {
        let of = &self.log;
        let security = self.security();
        let told = |name: &str, ours: &str| {
            let theirs = of.kafka.get(name).map(String::as_str);
            theirs.unwrap_or(ours).to_ascii_lowercase()
        };
        let mechanism = security.mechanism.map_or("", |of| of.as_str());
        let theirs = told("sasl.mechanisms", mechanism);
        let shows_it = told("security.protocol", security.protocol.as_str()) == "sasl_plaintext"
            && told("sasl.mechanism", &theirs) == "plain";
        let mut brokers = of.brokers.split(',').map(str::trim);
        brokers.find(|broker| {
            let host = broker.rsplit_once(':').map_or(*broker, |(host, _)| host);
            shows_it && !is_here(host)
        })
    }

    /// The address without TLS of a bucket on another machine.
    fn open_bucket(&self) -> Option<String> {
        let mut options = self.snapshots.options.iter();
        let (_, endpoint) = options.find(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name == "endpoint" || name.ends_with("_endpoint") || name.ends_with("endpoint_url")
        })?;
        open_host(endpoint)
    }

    /// What in `log.kafka` would let anyone pass for a broker.
    pub(super) fn unproven_brokers(&self, problems: &mut Vec<String>) {
        for (name, proven) in VERIFIES {
            let told = self.log.kafka.get(name);
            if let Some(told) = told
                && !proven.contains(&told.to_ascii_lowercase().as_str())
            {
                problems.push(format!(
                    "log.kafka has {name:?} = {told:?}, with which anyone may pass for a broker and be shown the password: leave it out, and name the authority that signed the brokers' certificates in log.ca"
                ));
            }
        }
    }
}

/// The other machine that an address without TLS is of.
pub(crate) fn open_host(address: &str) -> Option<String> {
    let rest = address.strip_prefix("http://")?;
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    (!is_here(name)).then(|| host.to_owned())
}

/// Whether a host is this machine, by its name or address alone.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    bare == "localhost" || bare.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::super::{Sasl, Security};
    use super::*;

    fn with_password(security: Security, sasl: Sasl, brokers: &str) -> Config {
        let mut config = Config::default();
        config.log.brokers = brokers.to_owned();
        config.log.security = security;
        config.log.sasl = sasl;
        config.log.user = "footfall".to_owned();
        config.log.password = "s3cret".into();
        config
    }

    /// The one sentence there is; none when nothing is open.
    fn found(config: &Config) -> Option<String> {
        let mut found = config.open_wires();
        assert!(found.len() <= 1, "{found:?}");
        let said = found.pop();
        assert!(!said.as_ref().is_some_and(|said| said.contains("s3cret")));
        said
    }

    #[test]
    fn a_password_that_goes_to_another_machine_unencrypted_is_warned_of() {
        for (url, open) in [
            ("redis://u:s3cret@redis-1:6379", true),
            ("redis://:s3cret@10.0.0.5:6379", true),
            (
                "redis-cluster://u:s3cret@127.0.0.1:6379?node=redis-2:6379",
                true,
            ),
            (
                "redis-sentinel://s-1:26379?sentinelServiceName=v&sentinelUsername=u&sentinelPassword=s3cret",
                true,
            ),
            ("rediss://u:s3cret@redis-1:6379", false),
            ("redis://redis-1:6379", false),
            ("redis://u:s3cret@127.0.0.1:6379", false),
            ("redis://u:s3cret@localhost:6379", false),
            ("", false),
        ] {
            let mut config = Config::default();
            config.redis.url = url.to_owned();
            let said = found(&config);
            assert_eq!(said.is_some(), open, "{url}: {said:?}");
            assert!(said.is_none_or(|said| said.contains("redis.url")), "{url}");
        }
        let kafka = "127.0.0.1:9092,kafka-2:9092";
        for (config, open) in [
            (
                with_password(Security::SaslPlaintext, Sasl::Plain, kafka),
                true,
            ),
            (
                with_password(Security::SaslPlaintext, Sasl::ScramSha512, kafka),
                false,
            ),
            (with_password(Security::SaslSsl, Sasl::Plain, kafka), false),
            (
                with_password(
                    Security::SaslPlaintext,
                    Sasl::Plain,
                    "127.0.0.1:9092,[::1]:9092",
                ),
                false,
            ),
        ] {
            let said = found(&config);
            assert_eq!(said.is_some(), open, "{said:?}");
            assert!(
                said.is_none_or(
                    |said| said.contains("kafka-2:9092") && said.contains("log.security")
                )
            );
        }
        let mut by_their_names = Config::default();
        by_their_names.log.brokers = kafka.to_owned();
        for (name, value) in [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanisms", "PLAIN"),
        ] {
            by_their_names
                .log
                .kafka
                .insert(name.to_owned(), value.to_owned());
        }
        assert!(found(&by_their_names).is_some());
    }

    #[test]
    fn a_bucket_on_another_machine_without_tls_is_warned_of() {
        for (endpoint, open) in [
            ("http://s3.example.org:9000/x", true),
            ("http://127.0.0.1:9000", false),
            ("https://s3.example.org", false),
        ] {
            for name in ["endpoint", "AWS_ENDPOINT", "aws_endpoint_url"] {
                let mut config = Config::default();
                config.snapshots.url = "s3://bucket".to_owned();
                let option = (name.to_owned(), endpoint.to_owned());
                config.snapshots.options = [option].into();
                let said = found(&config);
                assert_eq!(said.is_some(), open, "{endpoint}: {said:?}");
                assert!(said.is_none_or(|said| said.contains("allow_http")));
            }
        }
    }

    #[test]
    fn a_broker_that_need_not_prove_who_it_is_is_refused() {
        for (name, value, refused) in [
            ("enable.ssl.certificate.verification", "false", true),
            ("enable.ssl.certificate.verification", "0", true),
            ("enable.ssl.certificate.verification", "true", false),
            ("ssl.endpoint.identification.algorithm", "none", true),
            ("ssl.endpoint.identification.algorithm", "https", false),
        ] {
            let mut config = Config::default();
            config.log.kafka.insert(name.to_owned(), value.to_owned());
            let problems = config.problems(false);
            let named = problems.iter().any(|problem| problem.contains(name));
            assert_eq!(named, refused, "{name} = {value}: {problems:?}");
        }
    }
}
