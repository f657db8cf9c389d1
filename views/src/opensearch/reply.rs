//! What a node answers: the server's excuses apart from its answers.

use serde_json::Value;

use super::transient;
use crate::Error;

/// How much of a server's message is repeated in an error, in bytes.
const DETAIL: usize = 600;

/// An answer that is not the server's excuse.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it is empty, text when it is no JSON.
    pub body: Value,
}

impl Reply {
    /// # Errors
    /// [`Error::Transient`] when the answer is 5xx, or is no JSON where one can't be done without.
    pub(super) fn read(status: u16, text: String) -> Result<Self, Error> {
        if status >= 500 {
            return Err(transient(format!("it answered {status}: {}", cut(&text))));
        }
        if text.is_empty() {
            return Ok(Self {
                status,
                body: Value::Null,
            });
        }
        let body = match serde_json::from_str(&text) {
            Ok(body) => body,
            // Proxies speak for the cluster in their own way.
            Err(_) if [400, 401, 403, 413, 429].contains(&status) => Value::String(text),
            Err(error) => {
                return Err(transient(format!(
                    "its answer of status {status} is no JSON ({error}): {}",
                    cut(&text)
                )));
            }
        };
        Ok(Self { status, body })
    }

    /// The body of a 2xx.
    ///
    /// # Errors
    /// [`Error::Transient`] when a block on the index stands in the way or there is too much to do, else [`Error::Fatal`]: both name what was
    /// tried and say what to do.
    pub(super) fn ok(self, tried: &str) -> Result<Value, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = self.body.to_string();
        let said = cut(&text);
        if self.is_error("cluster_block_exception") {
            return Err(transient(format!(
                "it can't {tried} while a block is set on the index or the cluster; it goes on when the block is \
                 removed: {said}"
            )));
        }
        if self.status == 429 {
            return Err(transient(format!(
                "it has too much to do to {tried}: {said}"
            )));
        }
        if self.status == 403 {
            let reason = self.body["error"]["reason"].as_str().unwrap_or(said);
            return Err(Error::Fatal(format!(
                "OpenSearch does not let this user {tried} (status 403): {reason}. Give the user of opensearch.user the \
                 permissions that docs/operations.md lists"
            )));
        }
        Err(Error::Fatal(format!(
            "OpenSearch refused to {tried}, with status {}: {said}",
            self.status
        )))
    }

    /// Whether it is an error of this type.
    pub(super) fn is_error(&self, kind: &str) -> bool {
        self.body["error"]["type"] == kind
    }

    /// Whether it is a text, no JSON, that says this.
    pub(super) fn says(&self, words: &str) -> bool {
        self.body.as_str().is_some_and(|text| text.contains(words))
    }
}

/// The start of a server's message.
pub(super) fn cut(text: &str) -> &str {
    let mut end = text.len().min(DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert!(cut(&"가".repeat(1000)).len() <= DETAIL);
    }

    #[test]
    fn a_missing_permission_is_named_with_where_to_give_it() {
        let body = r#"{"error":{"type":"security_exception","reason":"no permissions for [indices:admin/create]"},"status":403}"#;
        let reply = Reply::read(403, body.to_owned()).unwrap();
        let Err(Error::Fatal(text)) = reply.ok("create the index") else {
            panic!("not fatal");
        };
        assert!(
            text.contains("indices:admin/create") && text.contains("create the index"),
            "{text}"
        );
        let page = Reply::read(403, "<html>Forbidden</html>".to_owned()).unwrap();
        assert!(matches!(page.ok("look"), Err(Error::Fatal(_))));
    }

    #[test]
    fn a_block_passes() {
        let body = r#"{"error":{"type":"cluster_block_exception","reason":"index [x] blocked by: [FORBIDDEN/9/index metadata (api)];"},"status":403}"#;
        let reply = Reply::read(403, body.to_owned()).unwrap();
        assert!(matches!(reply.ok("look"), Err(Error::Transient { .. })));
    }

    #[test]
    fn an_excuse_of_the_server_passes() {
        for status in [429, 500, 503] {
            let reply = Reply::read(status, "<html>".to_owned()).and_then(|reply| reply.ok("look"));
            assert!(matches!(reply, Err(Error::Transient { .. })), "{status}");
        }
    }
}
