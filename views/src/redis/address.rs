//! Where Redis is and how it is reached: the URL, and the files of TLS.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use fred::rustls::crypto::aws_lc_rs;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::{Config, Server, ServerConfig, TlsConnector};

use crate::Error;

/// Schemes of URLs whose connections are encrypted begin so; without the second `s` they are not.
const ENCRYPTED: &str = "rediss";
/// Those that there are. The client takes any other for a single server without TLS.
const SCHEMES: [&str; 6] = [
    "redis",
    "redis-sentinel",
    "redis-cluster",
    ENCRYPTED,
    "rediss-sentinel",
    "rediss-cluster",
];
/// What a URL looks like.
const EXAMPLES: &str = "redis://127.0.0.1:6379, redis-sentinel://127.0.0.1:26379?sentinelServiceName=views or redis-cluster://127.0.0.1:6379, with rediss instead of redis for TLS";

/// Where Redis is and how it is reached.
#[derive(Clone, Default)]
pub struct Address {
    /// `redis://host:port`, `redis-sentinel://sentinel:port?sentinelServiceName=name&node=…` or
    /// `redis-cluster://host:port?node=…`, with `rediss` instead of `redis` for TLS. It may hold
    /// users and passwords: no message repeats it.
    pub url: String,
    /// A PEM file with the authorities that may have signed the servers' certificates; empty: those
    /// that the system trusts.
    pub ca: String,
    /// A PEM file with the certificate that this client shows, and the chain to its authority;
    /// empty: none.
    pub certificate: String,
    /// The PEM file with the certificate's private key.
    pub key: String,
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

impl From<&String> for Address {
    fn from(url: &String) -> Self {
        Self::from(url.as_str())
    }
}

impl Address {
    /// Whether Redis could be looked for there: the URL and the files are read, nothing is sent.
    ///
    /// # Errors
    /// [`Error::Fatal`] with the setting and what it looks like.
    pub fn check(&self) -> Result<(), Error> {
        self.config().map(drop)
    }

    /// The address as the client has it.
    pub(super) fn config(&self) -> Result<Config, Error> {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            return Err(Error::Fatal(format!(
                "redis.url begins with none of {}://; it looks like {EXAMPLES}",
                SCHEMES.join("://, ")
            )));
        }
        let (plain, encrypted) = match self.url.strip_prefix(ENCRYPTED) {
            Some(rest) => (format!("redis{rest}"), true),
            None => (self.url.clone(), false),
        };
        let mut config = Config::from_url(&plain).map_err(|error| {
            Error::Fatal(format!(
                "redis.url can't be read ({}); it looks like {EXAMPLES}",
                error.details()
            ))
        })?;
        if encrypted {
            config.tls = Some(TlsConnector::from(self.tls()?).into());
        } else if let Some(name) = self.file_without_tls() {
            return Err(Error::Fatal(format!(
                "redis.{name} is used with TLS only: redis.url must then begin with {ENCRYPTED}"
            )));
        }
        Ok(config)
    }

    /// A server on another machine to which a password would go unencrypted, by its host and port.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn open_wire(&self) -> Result<Option<String>, Error> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let config = self.config()?;
        let of_sentinels = match &config.server {
            ServerConfig::Sentinel { password, .. } => password.is_some(),
            _ => false,
        };
        if config.tls.is_some() || !(config.password.is_some() || of_sentinels) {
            return Ok(None);
        }
        let is_elsewhere = |server: &Server| {
            let host: &str = &server.host;
            let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
            host != "localhost" && !host.parse().is_ok_and(is_loopback)
        };
        let hosts = config.server.hosts();
        let open = hosts.into_iter().find(is_elsewhere);
        Ok(open.map(|server| server.to_string()))
    }

    fn file_without_tls(&self) -> Option<&'static str> {
        let files = [
            ("ca", &self.ca),
            ("certificate", &self.certificate),
            ("key", &self.key),
        ];
        let named = files.into_iter().find(|(_, file)| !file.is_empty());
        named.map(|(name, _)| name)
    }

    fn tls(&self) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Fatal(format!("TLS to Redis: {error}")))?
            .with_root_certificates(self.authorities()?);
        match (self.certificate.is_empty(), self.key.is_empty()) {
            (true, true) => Ok(builder.with_no_client_auth()),
            (false, false) => {
                let chain = certificates("redis.certificate", &self.certificate)?;
                let key = PrivateKeyDer::from_pem_file(&self.key)
                    .map_err(|error| unusable("redis.key", &self.key, error))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| unusable("redis.certificate", &self.certificate, error))
            }
            _ => Err(Error::Fatal(
                "redis.certificate and redis.key are set both or neither".to_owned(),
            )),
        }
    }

    fn authorities(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        if self.ca.is_empty() {
            let native = fred::rustls_native_certs::load_native_certs();
            // Some that can't be read are no reason, as long as others can.
            roots.add_parsable_certificates(native.certs);
            if roots.is_empty() {
                return Err(Error::Fatal(
                    "this system trusts no certificate authority: name a PEM file with Redis' in redis.ca".to_owned(),
                ));
            }
            return Ok(roots);
        }
        for certificate in certificates("redis.ca", &self.ca)? {
            roots
                .add(certificate)
                .map_err(|error| unusable("redis.ca", &self.ca, error))?;
        }
        Ok(roots)
    }
}

/// At least one.
fn certificates(setting: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unusable(setting, file, error))?;
    if read.is_empty() {
        return Err(unusable(setting, file, "it holds no certificate"));
    }
    Ok(read)
}

fn unusable(setting: &str, file: &str, why: impl Display) -> Error {
    Error::Fatal(format!(
        "{setting} names {file}, which can't be used: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_that_is_not_redis_own_is_refused_and_not_taken_for_one_without_tls() {
        for url in [
            "tls://u:s3cret@host:6379",
            "https://u:s3cret@host:6379",
            "foo://u:s3cret@host:6379",
            "REDISS://u:s3cret@host:6379",
            "redis-sentinels://u:s3cret@host:6379",
            "u:s3cret@host:6379",
        ] {
            let said = Address::from(url).check().err().map(|e| e.to_string());
            let said = said.unwrap_or_default();
            assert!(said.contains("rediss"), "{url}: {said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
        for rest in ["", "-cluster"] {
            let url = format!("redis{rest}://u:s3cret@host:6379");
            assert!(Address::from(&url).check().is_ok(), "{url}");
        }
    }
}
