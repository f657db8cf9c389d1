//! The certificate that clients are shown, and the handshake.

use std::path::{Path, PathBuf};

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};

use super::limits::Times;

/// A certificate with its key, read from PEM files. TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2.
#[derive(Clone)]
pub(super) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl Certificate {
    /// Reads both.
    pub(super) async fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let config = RustlsConfig::from_pem_file(certificate, key)
            .await
            .map_err(|error| sentence(certificate, key, &error))?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config,
        })
    }

    /// Reads both again; connections made from now on are shown what was read.
    pub(super) async fn read_again(&self) -> Result<(), String> {
        self.config
            .reload_from_pem_file(&self.certificate, &self.key)
            .await
            .map_err(|error| sentence(&self.certificate, &self.key, &error))
    }

    /// Its files.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        vec![self.certificate.clone(), self.key.clone()]
    }

    pub(super) fn acceptor(&self, times: Times) -> RustlsAcceptor {
        RustlsAcceptor::new(self.config.clone()).handshake_timeout(times.handshake)
    }
}

fn sentence(certificate: &Path, key: &Path, error: &std::io::Error) -> String {
    format!(
        "http.certificate {} and http.key {} can't be used: {error}; both are PEM files, and the key is the certificate's, unencrypted",
        certificate.display(),
        key.display()
    )
}
