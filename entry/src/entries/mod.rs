//! Seats: asked for, given back, looked up. The log decides; this appends, follows, and tells what was decided.

pub(crate) mod activities;
mod answer;
pub(crate) mod ask;
pub(crate) mod cancel;
mod record;
pub(crate) mod show;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post, put};
use log::{Appended, NewRecord, Producer};
use mutants::Mutant;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use web::{Access, Guard, Problem, Scope, guarded};

use crate::Clock;
use crate::appender::{Appender, Held};
use crate::body::Room;
use crate::folds::{Behind, Folds};
use crate::metrics::{self, Full, UnderWay, count_shed};
use crate::problem;
use crate::rate::{Rate, WINDOW};
use crate::user::Users;

/// Requests that wait for the log at a time.
const UNDER_WAY: usize = 4_096;
/// How long the log is waited for: a leader's death takes longer, and nobody should look at a blank page for it.
const LONGEST: Duration = Duration::from_secs(2);
/// What makes sending again harmless.
const AGAIN: &str = "send it again with the same Idempotency-Key";

/// What the routes of seats work with. Cheap to clone.
#[derive(Clone)]
pub struct Entries {
    folds: Arc<Folds>,
    log: Appender,
    campaigns: Appender,
    users: Arc<Users>,
    under_way: Arc<Semaphore>,
    rate: Arc<Mutex<Rate>>,
    room: Room,
    now: Clock,
}

impl Entries {
    /// Appends to the topics of entries and campaigns, and finds in `folds` what was decided; somebody follows the log for
    /// them ([`crate::Following`]).
    ///
    /// # Errors
    /// When the system has no further thread.
    pub fn new(
        folds: Arc<Folds>,
        entries: Arc<dyn Producer>,
        campaigns: Arc<dyn Producer>,
        users: Users,
    ) -> io::Result<Self> {
        let entries = Appender::start("entries", entries, folds.partitions())?;
        let campaigns = Appender::start("campaigns", campaigns, 1)?;
        Ok(Self::over(folds, entries, campaigns, users))
    }

    /// The same over appenders that are there.
    pub fn over(folds: Arc<Folds>, entries: Appender, campaigns: Appender, users: Users) -> Self {
        Self {
            folds,
            log: entries,
            campaigns,
            users: Arc::new(users),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            rate: Arc::default(),
            room: Room::default(),
            now: Arc::new(|| jiff::Timestamp::now().as_millisecond()),
        }
    }

    /// Takes the time from `now`.
    #[must_use]
    pub fn with_clock(self, now: Clock) -> Self {
        Self { now, ..self }
    }

    /// Appends a record and waits until it is folded. `None`: the log has not answered in time.
    async fn appended(&self, record: NewRecord) -> Result<Option<Appended>, Problem> {
        let place = self.place()?;
        let deciding = async {
            let acknowledged = self.log.append(vec![record], Some(place)).await?;
            let at = acknowledged.places.first().copied();
            if let Some(at) = at
                && !mutants::is(Mutant::AnsweredAtProduceAck)
            {
                self.folds.folded(at).await;
                metrics::is_read_back(acknowledged.at.elapsed());
            }
            Ok(at)
        };
        match tokio::time::timeout(LONGEST, deciding).await {
            Err(_) => Ok(None),
            Ok(appended) => appended.map_err(|error| problem::not_appended(&error, AGAIN)),
        }
    }

    fn place(&self) -> Result<Held, Problem> {
        match Arc::clone(&self.under_way).try_acquire_owned() {
            Ok(place) => Ok(Box::new((place, UnderWay::begin()))),
            Err(_) => {
                count_shed(Full::Entries);
                let detail =
                    "too many requests wait for the log; nothing was taken: send it again later";
                Err(Problem::new(problem::BUSY, detail))
            }
        }
    }

    fn limit(&self, user: &str) -> Result<(), Problem> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if rate.allows(user, Instant::now().into_std()) {
            return Ok(());
        }
        let detail = "this user asks too often; wait a few seconds";
        Err(Problem::new(problem::TOO_OFTEN, detail).retry_after(WINDOW.as_secs()))
    }
}

/// Paths of seats, each method by its name, the scope that it needs, and what answers. The OpenAPI document lists the same.
pub(crate) fn table() -> [(&'static str, &'static str, Scope, MethodRouter<Entries>); 6] {
    const ENTRIES: &str = "/v1/activities/{id}/entries";
    const SEAT: &str = "/v1/activities/{id}/entries/{user}";
    const ACTIVITY: &str = "/v1/activities/{id}";
    const CAMPAIGN: &str = "/v1/campaigns/{id}";
    [
        (ENTRIES, "post", Scope::Enter, post(ask::ask)),
        (ENTRIES, "delete", Scope::Enter, delete(cancel::cancel)),
        (SEAT, "get", Scope::Enter, get(show::show)),
        (ACTIVITY, "get", Scope::Read, get(activities::show)),
        (ACTIVITY, "put", Scope::Admin, put(activities::define)),
        (
            CAMPAIGN,
            "put",
            Scope::Admin,
            put(activities::name_campaign),
        ),
    ]
}

/// The routes of seats.
pub(crate) fn routes(entries: Entries, guard: &Guard) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, (path, _, scope, answer)| {
            router.route(path, guarded(answer, Access::Needs(scope), guard))
        })
        .with_state(entries)
}

/// A fold that can't be asked now.
fn behind(error: &Behind) -> Problem {
    tracing::warn!(%error, "a request came before its partition could be asked");
    let detail = "this gateway has not read the log of entries yet; ask again";
    Problem::new(problem::BEHIND, detail)
}
