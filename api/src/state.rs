//! What the routes read from: the stores, the definition, readiness, metrics and the clock.

use std::sync::Arc;

use jiff::tz::TimeZone;
use pipeline::calendar::Calendar;
use pipeline::definition::{self, Definition};
use views::Views;
use web::{Guard, Metrics, Operation, Readiness};

/// The time, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What the routes read from. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) hot: Arc<dyn Views>,
    pub(crate) history: Option<Arc<dyn Views>>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) definition_id: Arc<str>,
    pub(crate) calendar: Calendar,
    pub(crate) zone: TimeZone,
    pub(crate) ready: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) now: Clock,
    pub(crate) guard: Guard,
}

impl State {
    /// Reads from `hot` alone, is always ready, has no metrics, asks for no token and takes the machine's clock.
    ///
    /// # Errors
    /// When the definition's time zone is unknown.
    pub fn new(
        hot: Arc<dyn Views>,
        definition: Arc<Definition>,
    ) -> Result<Self, definition::Error> {
        Ok(Self {
            hot,
            history: None,
            calendar: Calendar::new(&definition)?,
            zone: definition.zone()?,
            definition_id: definition.id().into(),
            definition,
            ready: Arc::new(|| Ok(())),
            metrics: Arc::new(String::new),
            now: Arc::new(|| jiff::Timestamp::now().as_millisecond()),
            guard: Guard::open(),
        })
    }

    /// Answers what lies before the hot window from `history`.
    #[must_use]
    pub fn with_history(self, history: Arc<dyn Views>) -> Self {
        Self {
            history: Some(history),
            ..self
        }
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

    /// Asks for tokens as `guard` does.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// Takes the time from `now`.
    #[must_use]
    pub fn with_clock(self, now: Clock) -> Self {
        Self { now, ..self }
    }
}

impl axum::extract::FromRef<State> for Operation {
    fn from_ref(state: &State) -> Self {
        Self {
            ready: state.ready.clone(),
            metrics: state.metrics.clone(),
            guard: state.guard.clone(),
        }
    }
}
