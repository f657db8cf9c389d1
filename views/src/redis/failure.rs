//! What a failure of Redis means: something that may pass, or something for a person.

use fred::error::Error as ClientError;
use fred::prelude::ErrorKind;

use super::{NAME, library, moving};
use crate::Error;

/// What an error of the client's means. After most of them it is unknown whether the call was
/// carried out; every call may be sent again.
///
/// That a server is loading, was demoted, or has no primary for a slot (LOADING, READONLY,
/// MASTERDOWN, CLUSTERDOWN), that a slot is on its way (`moving.rs`), that it lacks replicas, memory or disk
/// (NOREPLICAS, OOM, MISCONF), and all that nobody thought of, may pass.
pub(super) fn failed(error: ClientError) -> Error {
    let details = error.details();
    if let Some(refusal) = details.strip_prefix("FOOTFALL ") {
        return Error::Fatal(format!("Redis refuses this process: {refusal}"));
    }
    if let Some(sentence) = right_missing(details).or_else(|| identity(details)) {
        return Error::Fatal(sentence);
    }
    if moving::met_by(&error) {
        return transient("the cluster moves these keys to another server");
    }
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Config | ErrorKind::Url | ErrorKind::InvalidArgument => {
            Error::Fatal(format!("Redis refuses this process: {details}"))
        }
        _ => transient(error.to_string()),
    }
}

/// A failure that may pass.
pub(super) fn transient(detail: impl Into<String>) -> Error {
    Error::Transient {
        store: NAME,
        detail: detail.into(),
    }
}

/// Who this process is, or who the server is, as said by one of them.
fn identity(details: &str) -> Option<String> {
    if details.starts_with("NOAUTH") {
        return Some(
            "Redis wants a user and a password: redis.url looks like redis://user:password@host:6379, and has those of sentinels as sentinelUsername=…&sentinelPassword=…".to_owned(),
        );
    }
    if details.starts_with("WRONGPASS") || details.contains("without any password configured") {
        return Some(
            "Redis knows no such user or password: correct user:password@ in redis.url (and sentinelUsername, sentinelPassword, where sentinels ask for them)".to_owned(),
        );
    }
    if details.contains("InvalidCertificate(") {
        return Some(format!(
            "Redis shows a certificate that is not to be trusted ({details}): name the authority that signed it in redis.ca, and let the certificate name the host or address that redis.url, the sentinels or the cluster give"
        ));
    }
    let alert = ["CertificateRequired", "UnknownCA", "BadCertificate"]
        .into_iter()
        .find(|alert| details.contains(&format!("AlertReceived({alert})")))?;
    Some(format!(
        "Redis does not accept this client's certificate ({alert}): set redis.certificate and redis.key to one signed by an authority that Redis trusts"
    ))
}

/// A right that the user of this process lacks.
fn right_missing(details: &str) -> Option<String> {
    // Redis 7.0 does not say which command the function may not run.
    let in_function =
        details.contains("ACL failure in script") || details.contains("executing the script can't");
    let needed = if in_function {
        let commands: Vec<&str> = library::commands().into_iter().collect();
        format!("; the functions run {}", commands.join(", "))
    } else {
        String::new()
    };
    (details.starts_with("NOPERM") || in_function).then(|| {
        format!(
            "Redis denies a right to the user of redis.url ({details}{needed}); docs/operations.md has the ACL SETUSER lines with every right that Footfall needs"
        )
    })
}
