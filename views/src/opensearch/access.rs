//! How a cluster is entered: its nodes' addresses, who we are, and whose certificates we trust.

use std::path::{Path, PathBuf};

use opensearch::auth::{ClientCertificate, Credentials};
use opensearch::cert::{Certificate, CertificateValidation};
use opensearch::http::Url;
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};

use super::http::REQUEST_TIMEOUT;
use crate::Error;

const EXAMPLE: &str = "http://127.0.0.1:9200";

/// Who we are to a cluster, and whose certificates we trust. Empty: not used.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The name for basic authentication.
    pub user: String,
    /// Its password.
    pub password: String,
    /// A PEM file of the authorities that sign the nodes' certificates, trusted beside the system's.
    pub ca: PathBuf,
    /// A PEM file of our own certificate, for a cluster that asks for one.
    pub certificate: PathBuf,
    /// A PEM file of its private key.
    pub key: PathBuf,
}

/// Without the password.
impl std::fmt::Debug for Access {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Access")
            .field("user", &self.user)
            .field("ca", &self.ca)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// A node's address, with whom it is entered as.
pub(super) struct Address {
    /// Its host and port: what messages name.
    pub name: String,
    url: Url,
}

impl Address {
    /// Whether what is sent can be read on its way to another machine.
    pub(super) fn is_open(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let here = ["localhost", "[::1]"].contains(&host) || host.starts_with("127.");
        self.url.scheme() == "http" && !here && !self.url.username().is_empty()
    }
}

impl Access {
    /// Whether requests say who they are from.
    pub(super) fn is_named(&self, urls: &[String]) -> bool {
        !self.user.is_empty() || urls.iter().any(|url| url.contains('@'))
    }

    /// The addresses, each with the user and password of the settings if it has none of its own.
    ///
    /// # Errors
    /// [`Error::Fatal`] when there is none, or one can't be read. Addresses may hold passwords: none is repeated.
    pub(super) fn addresses(&self, urls: &[String]) -> Result<Vec<Address>, Error> {
        if urls.is_empty() {
            return Err(Error::Fatal(format!(
                "no OpenSearch address was given; it looks like {EXAMPLE}"
            )));
        }
        if self.user.is_empty() != self.password.is_empty() {
            return Err(Error::Fatal(
                "opensearch.user and opensearch.password belong together: set both (FOOTFALL_OPENSEARCH_USER, \
                 FOOTFALL_OPENSEARCH_PASSWORD) or neither"
                    .to_owned(),
            ));
        }
        urls.iter().map(|url| self.address(url)).collect()
    }

    fn address(&self, text: &str) -> Result<Address, Error> {
        let mut url = Url::parse(text).map_err(|error| {
            Error::Fatal(format!(
                "an OpenSearch address can't be read ({error}); it looks like {EXAMPLE}"
            ))
        })?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(Error::Fatal(format!(
                "an OpenSearch address begins with http:// or https://, as {EXAMPLE} does"
            )));
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let name = format!("{host}:{port}");
        if !self.user.is_empty() {
            if !url.username().is_empty() {
                return Err(Error::Fatal(format!(
                    "the OpenSearch address of {name} names a user, and so does opensearch.user: leave one out"
                )));
            }
            // An address takes a % for the beginning of an escape.
            let escaped = |text: &str| text.replace('%', "%25");
            let set = url
                .set_username(&escaped(&self.user))
                .and_then(|()| url.set_password(Some(&escaped(&self.password))));
            set.map_err(|()| Error::Fatal(format!("the address of {name} can hold no user")))?;
        }
        Ok(Address { name, url })
    }

    /// A client of one node.
    ///
    /// # Errors
    /// [`Error::Fatal`] with the file that can't be used.
    pub(super) fn transport(&self, address: &Address) -> Result<Transport, Error> {
        let pool = SingleNodeConnectionPool::new(address.url.clone());
        let mut builder = TransportBuilder::new(pool)
            .disable_proxy()
            .timeout(REQUEST_TIMEOUT);
        if self.ca != Path::new("") {
            let pem = read("opensearch.ca", &self.ca)?;
            let ca = Certificate::from_pem(&pem).map_err(|error| {
                unusable("opensearch.ca", &self.ca, "certificates in PEM", &error)
            })?;
            builder = builder.cert_validation(CertificateValidation::Full(ca));
        }
        if let Some(identity) = self.identity()? {
            builder = builder.auth(Credentials::Certificate(ClientCertificate::Pem(identity)));
        }
        builder.build().map_err(|error| {
            Error::Fatal(format!(
                "no OpenSearch client could be made of opensearch.ca, certificate and key: {error}"
            ))
        })
    }

    /// Our certificate and its key in one.
    fn identity(&self) -> Result<Option<Vec<u8>>, Error> {
        let none = Path::new("");
        match (self.certificate == none, self.key == none) {
            (true, true) => return Ok(None),
            (false, false) => {}
            _ => {
                return Err(Error::Fatal(
                    "opensearch.certificate and opensearch.key belong together: set both or neither"
                        .to_owned(),
                ));
            }
        }
        let mut pem = read("opensearch.certificate", &self.certificate)?;
        pem.push(b'\n');
        pem.extend(read("opensearch.key", &self.key)?);
        Ok(Some(pem))
    }
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| unusable(setting, path, "a PEM file", &error))
}

fn unusable(setting: &str, path: &Path, what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Fatal(format!(
        "{setting} is {}, which can't be read ({error}); name {what}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn refused(access: &Access, url: &str) -> String {
        let made = access
            .addresses(&[url.to_owned()])
            .and_then(|all| access.transport(&all[0]));
        let Err(Error::Fatal(text)) = made else {
            panic!("accepted");
        };
        text
    }

    fn named(user: &str, password: &str) -> Access {
        Access {
            user: user.to_owned(),
            password: password.to_owned(),
            ..Access::default()
        }
    }

    #[test]
    fn an_empty_list_of_addresses_is_refused() {
        assert!(matches!(
            Access::default().addresses(&[]),
            Err(Error::Fatal(_))
        ));
    }

    #[test]
    fn a_bad_address_is_refused_without_repeating_its_password() {
        let text = refused(&Access::default(), "http://me:secret@ho st");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn an_address_without_its_scheme_is_refused_with_what_it_begins_with() {
        let text = refused(&Access::default(), "localhost:9200");
        assert!(text.contains("http://"), "{text}");
    }

    #[test]
    fn user_and_password_stand_in_one_place_and_together() {
        let text = refused(&named("me", "secret"), "http://you:hidden@search:9200");
        assert!(text.contains("opensearch.user"), "{text}");
        assert!(
            !text.contains("secret") && !text.contains("hidden"),
            "{text}"
        );
        let text = refused(&named("me", ""), EXAMPLE);
        assert!(text.contains("FOOTFALL_OPENSEARCH_PASSWORD"), "{text}");
    }

    #[test]
    fn a_password_with_any_character_is_sent_as_it_is() {
        let access = named("me@here", "a:b/c@d %25");
        let all = access.addresses(&[EXAMPLE.to_owned()]).unwrap();
        assert_eq!(all[0].name, "127.0.0.1:9200");
        assert_eq!(all[0].url.password(), Some("a%3Ab%2Fc%40d%20%2525"));
        assert!(!format!("{access:?}").contains("a:b"));
    }

    #[test]
    fn a_password_on_an_open_wire_is_seen() {
        for (url, open) in [
            ("http://search:9200", true),
            ("https://search:9200", false),
            ("http://127.0.0.1:9200", false),
        ] {
            let all = named("me", "x").addresses(&[url.to_owned()]).unwrap();
            assert_eq!(all[0].is_open(), open, "{url}");
        }
    }

    #[test]
    fn files_that_can_not_be_used_are_named_with_their_setting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.pem");
        std::fs::write(&file, "no certificate").unwrap();
        let missing = folder.path().join("missing.pem");
        for (access, setting) in [
            (
                Access {
                    ca: missing,
                    ..Access::default()
                },
                "opensearch.ca",
            ),
            (
                Access {
                    ca: file.clone(),
                    ..Access::default()
                },
                "opensearch.ca",
            ),
            (
                Access {
                    key: file.clone(),
                    ..Access::default()
                },
                "opensearch.key",
            ),
            (
                Access {
                    key: file.clone(),
                    certificate: file,
                    ..Access::default()
                },
                "certificate",
            ),
        ] {
            let text = refused(&access, "https://search:9200");
            assert!(text.contains(setting), "{text}");
        }
    }
}
