//! Where HTTP is served: TLS, tokens and limits, the same for every process.
//!
//! What is open to everyone is so on loopback only, unless the operator says that another program stands before it.

mod files;
mod limits;
#[cfg(test)]
mod tests;
mod tls;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum_server::{Handle, Server};
use tokio::net::TcpListener;

use self::files::Watched;
use self::limits::Times;
use self::tls::Certificate;
use crate::access::{Guard, TokenFile};
use crate::metrics::{self, File};

/// How a process is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// An address or a name.
    pub host: String,
    /// 0: the system chooses.
    pub port: u16,
    /// PEM file of the certificate and those between it and its issuer; empty: no TLS.
    pub certificate: PathBuf,
    /// PEM file of its key; empty: no TLS.
    pub key: PathBuf,
    /// File of tokens; empty: none is asked for.
    pub tokens: PathBuf,
    /// Another program stands before it, and sees to what is missing.
    pub insecure: bool,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings don't go together, or name what can't be used.
    #[error("{0}")]
    Settings(String),
    /// The address can't be had.
    #[error("listen {listen}: {source}; choose another address, for example 127.0.0.1:0")]
    Address {
        /// As it was told.
        listen: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Settings {
    fn has_tls(&self) -> bool {
        !is_empty(&self.certificate)
    }

    /// What can be said of the settings without asking anybody.
    ///
    /// # Errors
    /// When they don't go together.
    pub fn check(&self) -> Result<(), Error> {
        if is_empty(&self.certificate) != is_empty(&self.key) {
            return Err(Error::Settings(
                "http.certificate and http.key go together: name both files, or none".to_owned(),
            ));
        }
        match self.host.parse::<IpAddr>() {
            Ok(address) => self.check_reach(address),
            Err(_) => Ok(()),
        }
    }

    /// Whether it may be served at that address.
    fn check_reach(&self, address: IpAddr) -> Result<(), Error> {
        if address.to_canonical().is_loopback() || self.insecure {
            return Ok(());
        }
        let missing = if is_empty(&self.tokens) {
            "asks for no token: name a file of tokens in http.tokens (`footfall tokens create` makes it)"
        } else if !self.has_tls() {
            "sends tokens and numbers unencrypted: name http.certificate and http.key"
        } else {
            return Ok(());
        };
        Err(Error::Settings(format!(
            "listen {} can be reached from other machines and {missing}. Or listen on 127.0.0.1, or set http.insecure = true where a program before it sees to both",
            self.listen()
        )))
    }

    fn listen(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// A listener that is bound, and serves when it is told what.
pub struct Listener {
    listener: TcpListener,
    certificate: Option<Certificate>,
    tokens: Option<TokenFile>,
    watched_tokens: PathBuf,
    guard: Guard,
    times: Times,
}

impl Listener {
    /// Binds, and reads certificate and tokens.
    ///
    /// # Errors
    /// When the settings would tell the views' numbers to anyone, a file can't be used, or the address can't be had.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let failed = |source| Error::Address {
            listen: settings.listen(),
            source,
        };
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((settings.host.as_str(), settings.port))
                .await
                .map_err(failed)?
                .collect();
        for address in &addresses {
            settings.check_reach(address.ip())?;
        }
        let certificate = match settings.has_tls() {
            true => Some(
                Certificate::read(&settings.certificate, &settings.key)
                    .await
                    .map_err(Error::Settings)?,
            ),
            false => None,
        };
        let tokens = (!is_empty(&settings.tokens)).then(|| TokenFile::at(&settings.tokens));
        let guard = match &tokens {
            Some(file) => {
                let said = |why| Error::Settings(format!("http.tokens: {why}"));
                Guard::of(file.read().map_err(said)?)
            }
            None => Guard::open(),
        };
        Ok(Self {
            listener: TcpListener::bind(addresses.as_slice())
                .await
                .map_err(failed)?,
            certificate,
            tokens,
            watched_tokens: settings.tokens.clone(),
            guard,
            times: limits::TIMES,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// `http`, or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.certificate.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// Lets requests through to routes as the tokens allow.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Serves `router` until `shutdown` completes, then finishes the requests under way, for ten seconds at most.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        metrics::begin();
        let times = self.times;
        let handle = Handle::new();
        let told = handle.clone();
        let service =
            limits::bounded(router, times).into_make_service_with_connect_info::<SocketAddr>();
        let mut server = Server::from_listener(self.listener).handle(handle);
        limits::set(&mut server, times);
        let server = limits::counted(server, times);
        let watching = watch(
            self.certificate.clone(),
            self.tokens,
            self.watched_tokens,
            self.guard,
        );
        let serving = async {
            match self.certificate {
                Some(certificate) => {
                    let acceptor = certificate.acceptor(times);
                    server
                        .map(|inner| acceptor.acceptor(inner))
                        .serve(service)
                        .await
                }
                None => server.serve(service).await,
            }
        };
        let stopping = async {
            shutdown.await;
            told.graceful_shutdown(Some(times.grace));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = serving => served,
            () = watching => Ok(()),
            () = stopping => Ok(()),
        }
    }
}

/// Reads certificate and tokens again when their files change; never ends.
async fn watch(
    certificate: Option<Certificate>,
    tokens: Option<TokenFile>,
    tokens_path: PathBuf,
    guard: Guard,
) {
    let certificates = async {
        let Some(certificate) = certificate else {
            return std::future::pending().await;
        };
        let paths = certificate.paths();
        Watched::new(paths, File::Certificate)
            .each_change(|| certificate.read_again())
            .await;
    };
    let tokens = async {
        let Some(file) = tokens else {
            return std::future::pending().await;
        };
        let guard = Arc::new(guard);
        Watched::new(vec![tokens_path], File::Tokens)
            .each_change(|| {
                let (file, guard) = (file.clone(), Arc::clone(&guard));
                async move {
                    guard.replace(file.read()?);
                    Ok(())
                }
            })
            .await;
    };
    tokio::join!(certificates, tokens);
}
