//! A TCP proxy that breaks the connection at a function call, when told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Where the next call breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears of it.
    Before = 1,
    /// The server hears half of it.
    Amid = 2,
    /// The server carries it out, the client doesn't hear of that.
    After = 3,
}

/// The proxy.
pub struct Proxy {
    address: SocketAddr,
    armed: Arc<AtomicU8>,
}

impl Proxy {
    /// In front of the server at `port`.
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(AtomicU8::new(0));
        let cut = armed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let swallow = Arc::new(AtomicBool::new(false));
                let replies = tokio::spawn(replies(from_server, to_client, swallow.clone()));
                let cut = cut.clone();
                tokio::spawn(async move {
                    requests(from_client, to_server, &cut, &swallow).await;
                    if !swallow.load(Ordering::SeqCst) {
                        replies.abort();
                    }
                });
            }
        });
        Self { address, armed }
    }

    /// Where clients go.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Breaks the next function call.
    pub fn arm(&self, cut: Cut) {
        self.armed.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether the break is still to come.
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst) != 0
    }
}

/// Returns, and with it closes the connection, when it ends or is cut.
async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    armed: &AtomicU8,
    swallow: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let mut part = &buffer[..read];
        let is_call = part.windows(7).any(|window| window == b"FCALL\r\n");
        let cut = if is_call {
            armed.swap(0, Ordering::SeqCst)
        } else {
            0
        };
        if cut == Cut::Before as u8 {
            return;
        }
        if cut == Cut::Amid as u8 {
            part = &part[..read / 2];
        }
        if cut == Cut::After as u8 {
            swallow.store(true, Ordering::SeqCst);
        }
        if to.write_all(part).await.is_err() || cut == Cut::Amid as u8 {
            return;
        }
    }
}

async fn replies(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallow: Arc<AtomicBool>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || swallow.load(Ordering::SeqCst) {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
