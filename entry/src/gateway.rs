//! What the routes work with: the log, tokens, readiness, metrics and the clock.

use std::io;
use std::sync::Arc;

use axum::extract::FromRef;
use log::Producer;
use web::{Guard, Metrics, Operation, Readiness};

use crate::appender::Appender;
use crate::beacon::Pages;
use crate::body::Room;
use crate::entries::Entries;
use crate::metrics;

/// The time, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What the routes work with. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) events: Appender,
    pub(crate) room: Room,
    pub(crate) now: Clock,
    pub(crate) guard: Guard,
    pub(crate) entries: Option<Entries>,
    pub(crate) pages: Option<Pages>,
    pub(crate) has_trial: bool,
    ready: Readiness,
    metrics: Metrics,
}

impl Gateway {
    /// Appends events to `events`, a topic with so many partitions, gives no seats, is always ready, has no metrics, asks for no token and takes the machine's clock.
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn new(events: Arc<dyn Producer>, partitions: u32) -> io::Result<Self> {
        Ok(Self::over(Appender::start("events", events, partitions)?))
    }

    /// The same over an appender that is there.
    pub fn over(events: Appender) -> Self {
        metrics::begin();
        Self {
            events,
            room: Room::default(),
            now: Arc::new(|| jiff::Timestamp::now().as_millisecond()),
            guard: Guard::open(),
            entries: None,
            pages: None,
            has_trial: false,
            ready: Arc::new(|| Ok(())),
            metrics: Arc::new(String::new),
        }
    }

    /// Serves the routes of seats, too.
    #[must_use]
    pub fn with_entries(self, entries: Entries) -> Self {
        Self {
            entries: Some(entries),
            ..self
        }
    }

    /// Takes visits and clicks straight from `pages`, too.
    #[must_use]
    pub fn with_pages(self, pages: Pages) -> Self {
        Self {
            pages: Some(pages),
            ..self
        }
    }

    /// Serves a page on which seats are tried, for users who only say who they are.
    #[must_use]
    pub fn with_trial(self) -> Self {
        Self {
            has_trial: true,
            ..self
        }
    }

    /// Asks for tokens as `guard` does.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// `/readyz` answers what `ready` says.
    #[must_use]
    pub fn with_readiness(self, ready: Readiness) -> Self {
        Self { ready, ..self }
    }

    /// `/metrics` answers what `metrics` renders.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Takes the time from `now`.
    #[must_use]
    pub fn with_clock(self, now: Clock) -> Self {
        Self { now, ..self }
    }
}

impl FromRef<Gateway> for Operation {
    fn from_ref(gateway: &Gateway) -> Self {
        Self {
            ready: gateway.ready.clone(),
            metrics: gateway.metrics.clone(),
            guard: gateway.guard.clone(),
        }
    }
}
