//! What a store's error means: one sentence that names the setting to look at.
//!
//! S3's answers are pages of XML, of which its code says what is wrong; whoever gives no answer is known by the last
//! cause in the chain of errors.

use std::error::Error as _;

use object_store::Error;

/// Codes of S3, and of those who speak as it does, for who we are and what we may do.
const OF_ACCESS: [&str; 8] = [
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];
/// For another region than the bucket's.
const OF_REGION: [&str; 4] = [
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "TemporaryRedirect",
];
/// Where a machine of Amazon's tells its own credentials: asked when the options name none.
const MACHINE: &str = "169.254.169.254";

/// Whether the store gave an answer, which waiting doesn't change.
pub(super) fn is_answer(error: &Error) -> bool {
    code(&error.to_string()).is_some()
        || matches!(
            error,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::NotFound { .. }
        )
}

/// What the error means and which setting to look at.
pub(super) fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let code = code(&text);
    let is_refusal = matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    );
    match code {
        Some("NoSuchBucket") => {
            "snapshots.url: the store has no such bucket (NoSuchBucket); make it, or name another"
                .to_owned()
        }
        Some(code) if OF_REGION.contains(&code) => format!(
            "snapshots.options: the bucket is elsewhere ({code}); set region, and endpoint where the store is not Amazon's"
        ),
        Some(code) if is_refusal || OF_ACCESS.contains(&code) => format!(
            "snapshots.options: the store refuses us ({code}); see that access_key_id and secret_access_key are right and may list, read, write and delete under snapshots.url"
        ),
        Some(code) => format!(
            "snapshots.url: the store answers {code}; see that snapshots.url and snapshots.options are right"
        ),
        None if is_refusal => format!(
            "snapshots.url: {}; see that we may list, read, write and delete there",
            root(error)
        ),
        None if text.contains(MACHINE) => format!(
            "snapshots.options: no access_key_id is set, and this machine has no credentials of its own ({}); set access_key_id and secret_access_key",
            root(error)
        ),
        None => format!(
            "snapshots.url: {}; see that the store is there, and that snapshots.url and snapshots.options are right",
            root(error)
        ),
    }
}

/// The code in an answer of S3.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code)
}

/// The last cause, and what was done when it came.
fn root(error: &Error) -> String {
    let mut last = error.source();
    while let Some(next) = last.and_then(|of| of.source()) {
        last = Some(next);
    }
    let (whole, last) = (error.to_string(), last.map(ToString::to_string));
    let whole = whole.lines().next().unwrap_or_default();
    match last {
        Some(last) if !whole.contains(&last) => format!("{whole}: {last}"),
        _ => whole.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: &str) -> Error {
        let xml =
            format!("403 Forbidden: <Error>\n<Code>{code}</Code><Message>m</Message></Error>");
        Error::Generic {
            store: "S3",
            source: xml.into(),
        }
    }

    #[test]
    fn an_answer_is_one_line_that_names_the_setting() {
        for (code, setting) in [
            (
                "NoSuchBucket",
                "snapshots.url: the store has no such bucket",
            ),
            ("SignatureDoesNotMatch", "secret_access_key"),
            ("PermanentRedirect", "set region"),
            ("SlowDown", "the store answers SlowDown"),
        ] {
            let said = sentence(&answered(code));
            assert!(said.contains(setting) && said.contains(code), "{said}");
            assert!(!said.contains(['<', '\n']), "{said}");
            assert!(is_answer(&answered(code)));
        }
    }

    #[test]
    fn what_gave_no_answer_is_known_by_its_last_cause() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = Error::Generic {
            store: "S3",
            source: Box::new(Error::Generic {
                store: "connection",
                source: refused.into(),
            }),
        };
        let said = sentence(&error);
        assert!(said.starts_with("snapshots.url: ") && said.contains("connection refused"));
        assert!(!is_answer(&error));
    }
}
