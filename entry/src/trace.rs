//! The sender's trace, on its way to the record.

use axum::http::Extensions;
use pipeline::record::Headers;
use schemas::headers;
use web::PassedOn;

/// The headers of every record of a request, packed: the client's trace, where it sent one.
pub(crate) fn packed(extensions: &Extensions) -> Vec<u8> {
    let mut packed = Vec::new();
    if let Some(PassedOn(trace)) = extensions.get() {
        Headers::push(&mut packed, headers::TRACE, trace.to_string().as_bytes());
    }
    packed
}
