//! The kinds of problem that senders meet. What any process may meet is in `web`.

use axum::http::StatusCode;
use web::{Kind, Problem};

use crate::appender::NotAppended;
use crate::metrics::{Full, count_shed};

pub(crate) const NO_SUCH_METHOD: Kind = Kind::new(
    "urn:footfall:problem:no-such-method",
    "This path doesn't take this method",
    StatusCode::METHOD_NOT_ALLOWED,
);
pub(crate) const WRONG_MEDIA_TYPE: Kind = Kind::new(
    "urn:footfall:problem:wrong-media-type",
    "The body's form is not known here",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
);
pub(crate) const TOO_LARGE: Kind = Kind::new(
    "urn:footfall:problem:too-large",
    "The body is too large",
    StatusCode::PAYLOAD_TOO_LARGE,
);
pub(crate) const TOO_SLOW: Kind = Kind::new(
    "urn:footfall:problem:too-slow",
    "The body took too long",
    StatusCode::REQUEST_TIMEOUT,
);
pub(crate) const UNREADABLE: Kind = Kind::new(
    "urn:footfall:problem:unreadable",
    "The body can't be read",
    StatusCode::UNPROCESSABLE_ENTITY,
);
pub(crate) const RESERVED_HEADER: Kind = Kind::new(
    "urn:footfall:problem:reserved-header",
    "A header is Footfall's own",
    StatusCode::BAD_REQUEST,
);
pub(crate) const OTHER_PAGE: Kind = Kind::new(
    "urn:footfall:problem:other-page",
    "This page is not one of those that may send here",
    StatusCode::FORBIDDEN,
);
pub(crate) const BUSY: Kind = Kind::new(
    "urn:footfall:problem:busy",
    "There is no room for this now",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const NOT_ACKNOWLEDGED: Kind = Kind::new(
    "urn:footfall:problem:not-acknowledged",
    "The log did not acknowledge",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const LOG_REFUSED: Kind = Kind::new(
    "urn:footfall:problem:log-refused",
    "The log refuses",
    StatusCode::INTERNAL_SERVER_ERROR,
);

pub(crate) const UNUSABLE: Kind = Kind::new(
    "urn:footfall:problem:unusable",
    "This can't be recorded",
    StatusCode::UNPROCESSABLE_ENTITY,
);
pub(crate) const UNKNOWN_ACTIVITY: Kind = Kind::new(
    "urn:footfall:problem:unknown-activity",
    "Unknown activity",
    StatusCode::NOT_FOUND,
);
pub(crate) const BEHIND: Kind = Kind::new(
    "urn:footfall:problem:behind",
    "The log is not read yet",
    StatusCode::SERVICE_UNAVAILABLE,
);
pub(crate) const TOO_OFTEN: Kind = Kind::new(
    "urn:footfall:problem:too-often",
    "This comes too often",
    StatusCode::TOO_MANY_REQUESTS,
);
pub(crate) const NO_USER: Kind = Kind::new(
    "urn:footfall:problem:no-user",
    "It isn't said who asks",
    StatusCode::UNAUTHORIZED,
);
pub(crate) const WRONG_USER: Kind = Kind::new(
    "urn:footfall:problem:wrong-user",
    "Who asks is not proven",
    StatusCode::UNAUTHORIZED,
);
pub(crate) const OTHER_USER: Kind = Kind::new(
    "urn:footfall:problem:other-user",
    "This is somebody else's",
    StatusCode::FORBIDDEN,
);

/// Records that were not appended; `again` says how the same is sent again without harm.
pub(crate) fn not_appended(error: &NotAppended, again: &str) -> Problem {
    match error {
        NotAppended::Full => {
            count_shed(Full::Log);
            Problem::new(
                BUSY,
                format!("{error}; nothing was taken: send it again later"),
            )
        }
        // The log's own words name machines: they are for the operator's log.
        NotAppended::Unacknowledged(_) => Problem::new(
            NOT_ACKNOWLEDGED,
            format!(
                "the log did not acknowledge in time; some of it may stand there all the same: {again}"
            ),
        ),
        NotAppended::Refused(_) => Problem::new(
            LOG_REFUSED,
            "the log refuses to take records; its operator finds why in this process's log",
        ),
    }
}
