//! A proxy that lets everything pass but bulks, which it holds until it is opened: an owner that
//! was paused between looking and writing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Gate {
    port: u16,
    holding: watch::Receiver<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A gate in front of `http://host:port`.
    pub async fn before(url: &str) -> Self {
        let server: Arc<str> = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (hold, holding) = watch::channel(false);
        let (open, opened) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), hold.clone(), opened.clone()));
            }
        });
        Self {
            port,
            holding,
            open,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until a bulk stands before the gate.
    pub async fn until_holding(&self) {
        let mut holding = self.holding.clone();
        let waited = holding.wait_for(|holding| *holding);
        let cap = Duration::from_secs(180);
        tokio::time::timeout(cap, waited)
            .await
            .expect("a bulk is sent")
            .expect("the gate stands");
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.open.send(true).expect("somebody waits");
    }
}

async fn pass(
    client: TcpStream,
    server: Arc<str>,
    hold: watch::Sender<bool>,
    mut opened: watch::Receiver<bool>,
) {
    let server = TcpStream::connect(&*server)
        .await
        .expect("the server listens");
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let mut bytes = vec![0; 65_536];
    while let Ok(read) = from_client.read(&mut bytes).await {
        let bytes = &bytes[..read];
        if bytes.windows(7).any(|part| part == b"/_bulk?") {
            hold.send_replace(true);
            if opened.wait_for(|open| *open).await.is_err() {
                return;
            }
        }
        if read == 0 || to_server.write_all(bytes).await.is_err() {
            return;
        }
    }
}
