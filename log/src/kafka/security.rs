//! How a client shows the brokers who it is, and knows that they are the brokers.

use std::fmt;
use std::path::{Path, PathBuf};

/// What the brokers' listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS; a client's certificate, if there is one, says who it is.
    Ssl,
    /// A user and a password, unencrypted.
    SaslPlaintext,
    /// A user and a password, over TLS.
    SaslSsl,
}

impl Protocol {
    /// librdkafka's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    const fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    const fn has_user(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// How a password is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// As it is: only for TLS.
    Plain,
    /// As a proof that it is known.
    ScramSha256,
    /// As a proof that it is known.
    ScramSha512,
}

impl Mechanism {
    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// How a client shows who it is. Settings are called here as `footfall`'s configuration calls them, under `log.`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Security {
    /// `security`.
    pub protocol: Protocol,
    /// `sasl`.
    pub mechanism: Option<Mechanism>,
    /// `user`.
    pub user: String,
    /// `password`.
    pub password: String,
    /// `ca`: PEM file of the authorities that sign brokers' certificates; empty: those that the system trusts.
    pub ca: PathBuf,
    /// `certificate`: PEM file of the client's own certificate; empty: none.
    pub certificate: PathBuf,
    /// `key`: PEM file of its key; empty: none.
    pub key: PathBuf,
}

/// Without the password.
impl fmt::Debug for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Security")
            .field("protocol", &self.protocol)
            .field("mechanism", &self.mechanism)
            .field("user", &self.user)
            .field("ca", &self.ca)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Security {
    /// As librdkafka's settings; none where nothing is secured.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        if self.protocol != Protocol::Plaintext {
            settings.push(("security.protocol", self.protocol.as_str().to_owned()));
        }
        if let Some(mechanism) = self.mechanism {
            settings.push(("sasl.mechanism", mechanism.as_str().to_owned()));
        }
        for (name, value) in [
            ("sasl.username", self.user.clone()),
            ("sasl.password", self.password.clone()),
            ("ssl.ca.location", text(&self.ca)),
            ("ssl.certificate.location", text(&self.certificate)),
            ("ssl.key.location", text(&self.key)),
        ] {
            if !value.is_empty() {
                settings.push((name, value));
            }
        }
        settings
    }

    /// What keeps these settings from working together: a sentence each.
    pub fn problems(&self) -> Vec<String> {
        let protocol = self.protocol.as_str();
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        let mut problems = Vec::new();
        let told = self.mechanism.is_some() || !self.user.is_empty() || !self.password.is_empty();
        if self.protocol.has_user()
            && (self.mechanism.is_none() || self.user.is_empty() || self.password.is_empty())
        {
            problems.push(format!(
                "log.security is {protocol}, which needs log.sasl, log.user and log.password (FOOTFALL_KAFKA_USER, FOOTFALL_KAFKA_PASSWORD)"
            ));
        }
        if !self.protocol.has_user() && told {
            problems.push(format!(
                "log.sasl, log.user and log.password are used with log.security = \"sasl_ssl\" or \"sasl_plaintext\" only, and it is {protocol}"
            ));
        }
        let files = [&self.ca, &self.certificate, &self.key];
        if !self.protocol.has_tls() && files.iter().any(|path| is_set(path)) {
            problems.push(format!(
                "log.ca, log.certificate and log.key are used with log.security = \"ssl\" or \"sasl_ssl\" only, and it is {protocol}"
            ));
        }
        if is_set(&self.certificate) != is_set(&self.key) {
            problems.push(
                "log.certificate and log.key go together: name both files, or none".to_owned(),
            );
        }
        problems
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sasl() -> Security {
        Security {
            protocol: Protocol::SaslSsl,
            mechanism: Some(Mechanism::ScramSha512),
            user: "footfall".to_owned(),
            password: "s3cret".to_owned(),
            ca: "ca.pem".into(),
            ..Security::default()
        }
    }

    #[test]
    fn settings_that_do_not_go_together_are_named() {
        assert!(sasl().problems().is_empty() && Security::default().problems().is_empty());
        type Change = fn(&mut Security);
        let cases: [(&str, Change); 6] = [
            ("log.password", |s| s.password.clear()),
            ("log.sasl", |s| s.mechanism = None),
            ("log.user", |s| s.user.clear()),
            ("log.key", |s| s.certificate = "a.pem".into()),
            ("log.ca", |s| s.protocol = Protocol::SaslPlaintext),
            ("it is ssl", |s| s.protocol = Protocol::Ssl),
        ];
        for (word, change) in cases {
            let mut security = sasl();
            change(&mut security);
            let problems = security.problems();
            assert!(
                problems.len() == 1 && problems[0].contains(word),
                "{word}: {problems:?}"
            );
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let printed = format!("{:?}", sasl());
        assert!(printed.contains("footfall") && !printed.contains("s3cret"));
    }
}
