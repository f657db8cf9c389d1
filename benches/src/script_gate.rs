//! A gate that gives seats by one script in Redis: what the gateway is measured against.
//!
//! Its HTTP is the gateway's own library with nothing around it, and it keeps one connection on which all calls are under way at
//! once: as quick as such a gate can be here. The script is atomic, and a request that comes again finds its seat.

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
use fred::interfaces::HashesInterface;
use fred::prelude::{
    Builder, Client, ClientLike, Config, ConnectionConfig, Error, PerformanceConfig,
    ReconnectPolicy,
};
use fred::types::scripts::Script;
use serde::Deserialize;
use serde_json::json;

/// A reply that takes longer is not waited for: the person asks again.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// Between attempts to connect, milliseconds, for ever: to a new primary as soon as there is one.
const RECONNECT_MS: (u32, u32) = (50, 500);

/// Whether a seat was given (1), was held before (0), or there is none (-1); and its rank.
const SCRIPT: &str = "
local rank = redis.call('HGET', KEYS[1], ARGV[1])
if rank then return {0, tonumber(rank)} end
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
}

#[derive(Clone)]
struct Gate {
    redis: Client,
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
        let redis = connect(&args.redis).await?;
        let script = Script::from_lua(SCRIPT);
        script.load(&redis).await?;
        let gate = Gate {
            redis,
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

async fn connect(url: &str) -> anyhow::Result<Client> {
    let client = Builder::from_config(Config::from_url(url)?)
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
        .build()?;
    client.init().await?;
    Ok(client)
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
    let arguments = vec![user.to_owned(), capacity.to_string()];
    let called = gate.script.evalsha_with_reload::<(i64, u64), _, _>(
        &gate.redis,
        seats(&activity),
        arguments,
    );
    let (status, rank) = match called.await {
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
