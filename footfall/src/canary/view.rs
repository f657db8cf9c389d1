//! The views that are looked in, and what may be sent meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::counter;
use tokio::sync::Mutex;

use super::metrics;
use super::watch::Watch;

/// Events sent and not seen, a view; at it no more are sent, so that an API that is down costs no memory.
const MOST_OUTSTANDING: usize = 1_000;
/// Between two questions about the hot views: a tenth of the freshness that is promised.
pub(super) const ASK_HOT: Duration = Duration::from_millis(200);
/// Between two questions about the history.
const ASK_HISTORY: Duration = Duration::from_secs(2);

/// A view that is looked in.
pub(super) struct View {
    /// Its name in metrics and in the API's `store`.
    pub name: &'static str,
    pub every: Duration,
    pub watch: Mutex<Watch>,
}

/// Both views, of which nothing is known yet. Their counters begin at 0, so that alerts can read them.
pub(super) fn views() -> Vec<Arc<View>> {
    [("hot", ASK_HOT), ("history", ASK_HISTORY)]
        .map(|(name, every)| {
            counter!(metrics::LOST, "view" => name).increment(0);
            Arc::new(View {
                name,
                every,
                watch: Mutex::new(Watch::new(Instant::now())),
            })
        })
        .into()
}

/// The views that an event sent now is to be seen in: those that have said what they held before. Nothing where there is
/// none, or where one waits for too many.
pub(super) async fn receiving(views: &[Arc<View>]) -> Option<Vec<Arc<View>>> {
    let mut receiving = Vec::new();
    for view in views {
        let watch = view.watch.lock().await;
        if watch.outstanding() >= MOST_OUTSTANDING {
            return None;
        }
        if watch.is_begun() {
            receiving.push(view.clone());
        }
    }
    (!receiving.is_empty()).then_some(receiving)
}

/// Completes when every view that the API has is watched.
pub(super) async fn all_begun(views: &[Arc<View>]) {
    let begun = |watch: &Watch| watch.is_begun() || watch.is_absent();
    all(views, begun).await;
}

/// Completes when every event was seen wherever it is awaited.
pub(super) async fn all_seen(views: &[Arc<View>]) {
    all(views, |watch: &Watch| watch.outstanding() == 0).await;
}

async fn all(views: &[Arc<View>], condition: impl Fn(&Watch) -> bool) {
    for view in views {
        while !condition(&*view.watch.lock().await) {
            tokio::time::sleep(ASK_HOT).await;
        }
    }
}
