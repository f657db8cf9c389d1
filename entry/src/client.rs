//! What a request's headers say of the client's device.

use axum::http::{HeaderMap, header};
use schemas::v1::ClientHints;

/// The User-Agent; empty where there is none.
pub(crate) fn user_agent(headers: &HeaderMap) -> String {
    let value = headers.get(header::USER_AGENT);
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    })
}

/// The client hints as the client sent them.
pub(crate) fn hints(headers: &HeaderMap) -> Option<ClientHints> {
    let get = |name: &str| headers.get(name)?.to_str().ok();
    let text = |name: &str| {
        let value = get(name)?.trim();
        Some(value.trim_matches('"').to_owned())
    };
    let mobile = get("sec-ch-ua-mobile").and_then(|value| match value.trim() {
        "?1" => Some(true),
        "?0" => Some(false),
        _ => None,
    });
    let (platform, model) = (text("sec-ch-ua-platform"), text("sec-ch-ua-model"));
    let is_there = mobile.is_some() || platform.is_some() || model.is_some();
    is_there.then(|| ClientHints {
        mobile,
        platform: platform.unwrap_or_default(),
        model: model.unwrap_or_default(),
    })
}
