//! nginx before a real server, with TLS, passwords and client certificates, made anew for each test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// A user of the proxy, and the password.
pub const USER: &str = "footfall@shop";
pub const PASSWORD: &str = "a/b@c %25";

/// What the proxy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// A user and a password.
    Password,
    /// A certificate of the same authority as its own.
    Certificate,
    /// A user and a password, and it lets nobody write, in the words of OpenSearch's security plugin.
    PasswordAndLetsRead,
}

/// A running proxy with its files; both are gone with it.
pub struct Proxy {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Proxy {
    /// A proxy that takes requests of at most 100 kB, before `http://host:port`.
    pub async fn before(url: &str, asks: Asks) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        make_certificates(folder.path());
        let of = |name: &str| folder.path().join(name).display().to_string();
        let users = format!("{USER}:{{PLAIN}}{PASSWORD}\n");
        std::fs::write(of("users"), users).expect("a file");
        std::fs::write(
            of("nginx.conf"),
            configuration(folder.path(), url, port, asks),
        )
        .expect("a file");
        let child = Command::new(program())
            .args(["-c", &of("nginx.conf"), "-p", &of(""), "-e", &of("errors")])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts; deploy/install.sh test installs it");
        let mut this = Self {
            child,
            folder,
            port,
        };
        this.until_listening().await;
        this
    }

    async fn until_listening(&mut self) {
        for _ in 0..1800 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            let ended = self.child.try_wait().expect("a child");
            assert_eq!(
                ended,
                None,
                "{:?}",
                std::fs::read_to_string(self.file("errors"))
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nginx does not listen after 180 s");
    }

    /// Its address with a scheme, by the name that its certificate holds.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.port)
    }

    /// One of its files: `ca.pem`, `other-ca.pem`, `client.pem`, `client.key`.
    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Debian keeps it where only root's PATH looks.
fn program() -> &'static str {
    let debian = "/usr/sbin/nginx";
    if Path::new(debian).exists() {
        debian
    } else {
        "nginx"
    }
}

fn make_certificates(folder: &Path) {
    let write = |name: &str, pem: String| std::fs::write(folder.join(name), pem).expect("a file");
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        CertifiedIssuer::self_signed(params, key).expect("an authority")
    };
    let ca = authority("ours");
    write("ca.pem", ca.pem());
    write("other-ca.pem", authority("another").pem());
    for (name, host) in [("server", "localhost"), ("client", "footfall")] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, host);
        let signed = params.signed_by(&key, &ca).expect("a certificate");
        write(&format!("{name}.pem"), signed.pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

fn configuration(folder: &Path, url: &str, port: u16, asks: Asks) -> String {
    let at = folder.display();
    let password = format!("auth_basic views; auth_basic_user_file {at}/users;");
    let guard = match asks {
        Asks::Password | Asks::PasswordAndLetsRead => password,
        Asks::Certificate => format!("ssl_client_certificate {at}/ca.pem; ssl_verify_client on;"),
    };
    let refusal = match asks {
        Asks::PasswordAndLetsRead => {
            r#"location ~ _bulk { default_type application/json; return 403 '{"error":{"type":"security_exception","reason":"no permissions for [indices:data/write/bulk] and User [name=reader]"},"status":403}'; }"#
        }
        _ => "",
    };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
        .collect();
    format!(
        "daemon off; master_process off; pid {at}/pid;\n\
         events {{}}\n\
         http {{\n\
         access_log off; client_max_body_size 100k;\n{temporary}\
         server {{\n\
         listen 127.0.0.1:{port} ssl; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key;\n\
         {guard}\n{refusal}\n\
         location / {{ proxy_pass {url}; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n\
         }}\n}}\n"
    )
}
