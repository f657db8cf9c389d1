//! Reads a request's body: so many bytes, within so much time, in a room that all bodies share.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::Problem;

use crate::metrics::{Full, count_shed};
use crate::problem;

/// The largest body, bytes: a thousand events of usual size, or 64 of the largest.
pub(crate) const MOST_BYTES: usize = 1 << 20;
/// The room of all bodies that are read or wait for the log, bytes. What is made of them takes a few times as much.
const ROOM_BYTES: usize = 64 << 20;
/// What a permit of the room stands for, bytes.
const PERMIT_BYTES: usize = 1 << 10;
/// How long a body may take in all: whoever sends a byte now and then would hold its room for ever.
const LONGEST: Duration = Duration::from_secs(30);

/// The room that bodies share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    longest: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(ROOM_BYTES / PERMIT_BYTES)),
            longest: LONGEST,
        }
    }
}

impl Room {
    /// The whole body, and the room that it takes until that is dropped.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Vec<u8>, OwnedSemaphorePermit), Problem> {
        let most = said_length(headers).unwrap_or(MOST_BYTES);
        if most > MOST_BYTES {
            return Err(too_large());
        }
        let permits = most.div_ceil(PERMIT_BYTES).max(1) as u32;
        let Ok(room) = Arc::clone(&self.permits).try_acquire_many_owned(permits) else {
            count_shed(Full::Bodies);
            let detail = "too many bodies are read or wait for the log; send it again later";
            return Err(Problem::new(problem::BUSY, detail));
        };
        match tokio::time::timeout(self.longest, collect(body, most)).await {
            Ok(bytes) => Ok((bytes?, room)),
            Err(_) => Err(Problem::new(
                problem::TOO_SLOW,
                format!(
                    "the body had not come after {} s; send less at once",
                    self.longest.as_secs()
                ),
            )),
        }
    }
}

/// The length that the request says its body has; where it says none, it may be as long as any.
fn said_length(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    Some(length.parse().unwrap_or(usize::MAX))
}

async fn collect(body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(most.min(PERMIT_BYTES));
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| {
            let detail = "the body ended or stood still before it was whole; send it again";
            Problem::new(problem::TOO_SLOW, detail)
        })?;
        if bytes.len() + part.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn too_large() -> Problem {
    let detail = format!("a body takes at most {MOST_BYTES} bytes; send fewer events at once");
    Problem::new(problem::TOO_LARGE, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::response::IntoResponse;
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_that_comes_for_ever_is_cut_off_and_its_room_given_back() {
        let room = Room {
            longest: Duration::from_millis(50),
            ..Room::default()
        };
        let before = room.permits.available_permits();
        let first = stream::once(async { Ok::<_, std::io::Error>("[") });
        let body = Body::from_stream(first.chain(stream::pending()));
        let refused = room.read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refused.into_response().status(), 408);
        assert_eq!(room.permits.available_permits(), before);
    }

    #[tokio::test]
    async fn a_body_longer_than_it_said_is_refused_before_it_is_read_whole() {
        let room = Room::default();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "10".parse().unwrap());
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>("12345678"));
        let body = Body::from_stream(endless);
        let refused = room.read(&headers, body).await.unwrap_err();
        assert_eq!(refused.into_response().status(), 413);
    }
}
