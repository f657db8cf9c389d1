//! Calls that meet a cluster which moves their slot to another server.
//!
//! The client follows no redirection by itself (`max_redirections` is 0). Its way with ASK is to read one frame of a
//! connection on which other replies are due, to send the call to the old server all the same, and with one attempt a command
//! to end its connections for good. MOVED it answers by asking who has the slots, so that the next call goes there. ASK and TRYAGAIN
//! mean that some keys lie here and some there, or that a key which is not there yet would: then waiting helps. None of the three
//! carried anything out.

use std::future::Future;
use std::time::Duration;

use fred::error::Error as ClientError;
use fred::prelude::ErrorKind;

/// Times that a call is sent; its caller then hears of it, and may send it again later.
const SLOT_ATTEMPTS: u32 = 6;
/// The pause after the first; each next one is twice as long, 775 ms in all.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Sends a call again, a few times, while its slot is on its way.
pub(super) async fn whole<T, F>(call: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..SLOT_ATTEMPTS {
        match call().await {
            Err(error) if met_by(&error) => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    call().await
}

/// Whether an error says that the slot is, or was, on its way.
pub(super) fn met_by(error: &ClientError) -> bool {
    let details = error.details();
    // What the client says of MOVED and ASK.
    let redirected = *error.kind() == ErrorKind::Routing && details.contains("redirections");
    redirected || details.starts_with("TRYAGAIN")
}
