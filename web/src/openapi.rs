//! What the documents at `/openapi.json` have in common: how a token is sent, how whoever shows one may be refused, and how
//! a document is answered.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoResponses, Modify, openapi::OpenApi};

use crate::Body;

/// How a token is sent, as the scheme `token`.
#[derive(Debug)]
pub struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("ff_ and 64 hexadecimal digits".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// How a guarded route refuses.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum NotLetIn {
    /// Tokens are asked for, and none came or it is refused.
    #[response(status = 401, content_type = "application/problem+json")]
    NoToken(Body),
    /// The token lacks the scope.
    #[response(status = 403, content_type = "application/problem+json")]
    NoScope(Body),
    /// Too many wrong tokens came from this address.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Body),
}

/// A document as the answer to who asks for it.
pub fn answer(document: &OpenApi) -> impl IntoResponse + use<> {
    // It is made of types that all can be written.
    let text = document.to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], text)
}
