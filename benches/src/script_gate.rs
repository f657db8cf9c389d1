//! A gate that gives seats by one script in Redis: what the gateway is measured against.
//!
//! Its HTTP is the gateway's own library with nothing around it, and it keeps one connection on which all calls are under way at
//! once: as quick as such a gate can be here. The script is atomic, and a request that comes again finds its seat. It may wait
//! until replicas have a seat before it tells anyone; then it has more connections, for one that waits is held up.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use fred::interfaces::{HashesInterface, ServerInterface};
use fred::prelude::{
    Builder, ClientLike, Config, ConnectionConfig, Error, ErrorKind, PerformanceConfig, Pool,
    ReconnectPolicy,
};
use fred::types::scripts::Script;
use serde::Deserialize;
use serde_json::json;

/// A reply that takes longer is not waited for: the person asks again.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// How long replicas are waited for, milliseconds; then the person asks again.
const WAIT_MS: i64 = 1_000;
/// Connections where replicas are waited for.
const WAITING: usize = 64;
/// Between attempts to connect, milliseconds, for ever: to a new primary as soon as there is one.
const RECONNECT_MS: (u32, u32) = (50, 500);

/// Whether a seat was given (1), was held before (0), or there is none (-1); and its rank. WAIT waits for writes of its own connection
/// only: so that it waits for a seat that was written over another, that is written again.
const SCRIPT: &str = "
local rank = redis.call('HGET', KEYS[1], ARGV[1])
if rank then
    if ARGV[3] ~= '0' then redis.call('HSET', KEYS[1], ARGV[1], rank) end
    return {0, tonumber(rank)}
end
local held = redis.call('HLEN', KEYS[1])
if held >= tonumber(ARGV[2]) then return {-1, 0} end
redis.call('HSET', KEYS[1], ARGV[1], held + 1)
return {1, held + 1}";

/// Where it stands.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address of Redis, as `footfall` takes it.
    #[arg(long)]
    redis: String,
    /// Address that it listens at.
    #[arg(long)]
    listen: SocketAddr,
    /// Replicas that must have a seat (WAIT) before anybody is told of it.
    #[arg(long, default_value_t = 0)]
    wait: i64,
}

#[derive(Clone)]
struct Gate {
    redis: Pool,
    /// Replicas that are waited for.
    wait: i64,
    script: Script,
    /// Capacities by activity.
    activities: Arc<RwLock<HashMap<String, u64>>>,
}

/// An activity as an operator defines it; the rest of what the gateway takes means nothing here.
#[derive(Deserialize)]
struct Definition {
    capacity: u64,
}

/// Serves until it is killed.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let redis = connect(args).await?;
        let script = Script::from_lua(SCRIPT);
        script.load(redis.next()).await?;
        let gate = Gate {
            redis,
            wait: args.wait,
            script,
            activities: Arc::default(),
        };
        let router = Router::new()
            .route("/readyz", get(|| async { "ready" }))
            .route("/v1/activities/{id}", get(show).put(define))
            .route("/v1/activities/{id}/entries", post(enter))
            .with_state(gate);
        let listener = tokio::net::TcpListener::bind(args.listen).await?;
        let listener = listener.tap_io(|stream| {
            // One that can't is slower, and answers all the same.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

async fn connect(args: &Args) -> anyhow::Result<Pool> {
    let connections = if args.wait > 0 { WAITING } else { 1 };
    let pool = Builder::from_config(Config::from_url(&args.redis)?)
        .with_connection_config(|connection: &mut ConnectionConfig| {
            connection.connection_timeout = COMMAND_TIMEOUT;
            connection.internal_command_timeout = COMMAND_TIMEOUT;
        })
        .with_performance_config(|performance: &mut PerformanceConfig| {
            performance.default_command_timeout = COMMAND_TIMEOUT;
        })
        .set_policy(ReconnectPolicy::new_exponential(
            0,
            RECONNECT_MS.0,
            RECONNECT_MS.1,
            2,
        ))
        .build_pool(connections)?;
    pool.init().await?;
    Ok(pool)
}

/// Users and their ranks.
fn seats(activity: &str) -> String {
    format!("peers:seats:{activity}")
}

impl Gate {
    fn capacity(&self, activity: &str) -> Option<u64> {
        let activities = self.activities.read();
        let activities = activities.unwrap_or_else(PoisonError::into_inner);
        activities.get(activity).copied()
    }

    /// What the script says, once enough replicas have it.
    async fn decide(&self, activity: &str, user: &str, capacity: u64) -> Result<(i64, u64), Error> {
        let redis = self.redis.next();
        let arguments = [user.to_owned(), capacity.to_string(), self.wait.to_string()];
        let decided: (i64, u64) = self
            .script
            .evalsha_with_reload(redis, seats(activity), arguments.to_vec())
            .await?;
        if self.wait > 0 && decided.0 >= 0 {
            let have: i64 = redis.wait(self.wait, WAIT_MS).await?;
            if have < self.wait {
                let detail = format!("{have} replicas have the seat, not {}", self.wait);
                return Err(Error::new(ErrorKind::Timeout, detail));
            }
        }
        Ok(decided)
    }
}

async fn define(
    State(gate): State<Gate>,
    Path(activity): Path<String>,
    Json(definition): Json<Definition>,
) -> Response {
    let activities = gate.activities.write();
    let mut activities = activities.unwrap_or_else(PoisonError::into_inner);
    activities.insert(activity, definition.capacity);
    Json(json!({"capacity": definition.capacity})).into_response()
}

async fn show(State(gate): State<Gate>, Path(activity): Path<String>) -> Response {
    let Some(capacity) = gate.capacity(&activity) else {
        return unknown();
    };
    match gate.redis.hlen::<u64, _>(seats(&activity)).await {
        Ok(held) => Json(json!({"capacity": capacity, "held": held})).into_response(),
        Err(error) => unanswered(&error),
    }
}

async fn enter(
    State(gate): State<Gate>,
    Path(activity): Path<String>,
    headers: HeaderMap,
) -> Response {
    let user = headers.get("footfall-user").map(|value| value.to_str());
    let (Some(Ok(user)), Some(capacity)) = (user, gate.capacity(&activity)) else {
        return unknown();
    };
    let (status, rank) = match gate.decide(&activity, user, capacity).await {
        Ok((1, rank)) => (StatusCode::CREATED, rank),
        Ok((0, rank)) => (StatusCode::OK, rank),
        Ok(_) => {
            let told = Json(json!({"outcome": "sold_out"}));
            return (StatusCode::CONFLICT, told).into_response();
        }
        Err(error) => return unanswered(&error),
    };
    let told = json!({"outcome": "admitted", "receipt": {"user_id": user, "rank": rank}});
    (status, Json(told)).into_response()
}

fn unknown() -> Response {
    let told = Json(json!({"outcome": "unknown"}));
    (StatusCode::NOT_FOUND, told).into_response()
}

/// Redis has not answered: the person is to ask again.
fn unanswered(error: &Error) -> Response {
    let told = Json(json!({"outcome": "pending", "detail": error.to_string()}));
    (StatusCode::SERVICE_UNAVAILABLE, told).into_response()
}
