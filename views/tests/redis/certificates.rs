//! Certificates of a test's own authority, and servers that use them and the users of docs/operations.md.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use views::redis::Address;

use super::group::Topology;
use super::node::Wire;

/// What operators are told to give to users.
const PAGE: &str = include_str!("../../../docs/operations.md");

/// An authority's and two other certificates, in files.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
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

    pub fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.display().to_string()
    }

    /// Servers with a TLS port only that ask clients for a certificate, with passwords, and with
    /// the users that the page describes.
    pub fn wire(&self, topology: Topology) -> Wire {
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
    pub fn shown_by(&self, mut address: Address) -> Address {
        address.ca = self.path("ca.pem");
        address.certificate = self.path("client.pem");
        address.key = self.path("client.key");
        address
    }
}

/// The page's lines for users, with the password that it asks to be replaced.
pub fn rights() -> Vec<String> {
    let lines = PAGE.lines().map(str::trim);
    let lines: Vec<String> = lines
        .filter(|line| line.starts_with("ACL SETUSER footfall-"))
        .map(|line| line.replace(">a-long-password", ">secret"))
        .collect();
    assert_eq!(lines.len(), 2, "a writer and a reader");
    lines
}
