//! What one listener takes on: so many connections, each with so much time for every part of a request.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use axum_server::Server;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::metrics::{NotServed, count_not_served};

/// Connections at a time: half of the files that a process may usually have open. Those beyond are closed at once.
pub(super) const CONNECTIONS: usize = 512;
/// The times of every listener; tests have shorter ones.
pub(super) const TIMES: Times = Times {
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(30),
    body: Duration::from_secs(10),
    grace: Duration::from_secs(10),
};
/// The largest head of a request, bytes.
const HEAD_BYTES: usize = 64 << 10;
/// Requests at a time on a connection of HTTP/2.
const STREAMS: u32 = 64;

/// How long each part of a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// A TLS handshake.
    pub(super) handshake: Duration,
    /// Until a request's head has arrived, also between two requests of a connection: longer than most programs that
    /// scrape wait between two of theirs.
    pub(super) head: Duration,
    /// Until the next part of a request's body arrives.
    pub(super) body: Duration,
    /// Requests under way when the process is asked to stop.
    pub(super) grace: Duration,
}

/// The router with what limits each request.
pub(super) fn bounded(router: Router, times: Times) -> Router {
    router.layer(RequestBodyTimeoutLayer::new(times.body))
}

/// Sets what limits each connection.
pub(super) fn set(server: &mut Server<SocketAddr>, times: Times) {
    let mut builder = server.http_builder().http1();
    builder
        .header_read_timeout(times.head)
        .max_buf_size(HEAD_BYTES);
    let mut builder = server.http_builder().http2();
    builder
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(times.head)
        .keep_alive_timeout(times.handshake);
}

/// Counts connections, and closes those beyond the limit.
pub(super) fn counted(server: Server<SocketAddr>, times: Times) -> Server<SocketAddr, Counted> {
    server
        .first_request_timeout(times.head)
        .accept_error_handler(|address, error| {
            // The limit has counted itself.
            if error.kind() != io::ErrorKind::QuotaExceeded {
                count_not_served(NotServed::Handshake);
            }
            tracing::debug!(?address, %error, "a connection is not served");
        })
        .acceptor(Counted(Arc::new(Semaphore::new(CONNECTIONS))))
}

/// Gives each connection one of so many places.
#[derive(Clone)]
pub(super) struct Counted(Arc<Semaphore>);

impl<S> Accept<TcpStream, S> for Counted {
    type Stream = TcpStream;
    // The service lives as long as its connection, and the place with it.
    type Service = AddExtension<S, Arc<OwnedSemaphorePermit>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(match Arc::clone(&self.0).try_acquire_owned() {
            Ok(place) => Ok((stream, Extension(Arc::new(place)).layer(service))),
            Err(_) => {
                count_not_served(NotServed::TooMany);
                Err(io::Error::new(
                    io::ErrorKind::QuotaExceeded,
                    format!("there are {CONNECTIONS} connections already"),
                ))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_connection_beyond_the_limit_is_closed_until_another_has_ended() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Counted(Arc::new(Semaphore::new(1)));
        let accept = async || {
            let _client = TcpStream::connect(address).await.unwrap();
            let stream = listener.accept().await.unwrap().0;
            counted.accept(stream, ()).await
        };
        let (_, service) = accept().await.unwrap();
        let refused = accept().await.err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::QuotaExceeded));
        drop(service);
        assert!(accept().await.is_ok());
    }
}
