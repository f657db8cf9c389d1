//! The summary of a canary that ends by itself.

use std::sync::Arc;

use anyhow::bail;
use serde::Serialize;

use super::view::View;

/// What was seen in a view.
#[derive(Serialize)]
struct Summary {
    view: &'static str,
    seen: u64,
    not_seen: usize,
    lost: u64,
}

/// Prints it.
///
/// # Errors
/// When not every event was seen in every view that the API has.
pub(super) async fn report(views: &[Arc<View>]) -> anyhow::Result<()> {
    let mut summaries = Vec::new();
    for view in views {
        let watch = view.watch.lock().await;
        if watch.is_absent() {
            continue;
        }
        summaries.push(Summary {
            view: view.name,
            seen: watch.claimed(),
            not_seen: watch.outstanding(),
            lost: watch.lost(),
        });
    }
    let text = serde_json::to_string_pretty(&summaries)?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes())?;
    let is_good = |of: &Summary| of.seen > 0 && of.not_seen == 0 && of.lost == 0;
    if !summaries.iter().all(is_good) {
        bail!("not every event was seen: `footfall status` says what is behind");
    }
    Ok(())
}
