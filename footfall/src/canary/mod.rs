//! `footfall canary`: sends an event a second and looks for it in the API, as somebody who asks would see it.
//!
//! Its events have a campaign of their own (`schemas::canary`) and come from a bot, so that no number of another campaign and
//! no count of people has them. Each visits the next partition, so that one that stands still is noticed within as many
//! seconds as there are partitions.

pub mod metrics;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::{counter, gauge, histogram};
use anyhow::{Context, bail};
use log::{NewRecord, Producer};
use prost::Message;
use reqwest::StatusCode;
use schemas::{canary, partition, v1};
use serde::Serialize;
use tokio::sync::Mutex;

use self::watch::{Seen, Sent, Watch};
use crate::asking;
use crate::config::Config;
use crate::length::length;
use crate::process::stop_requested;
use crate::set::Log;

/// Events sent and not seen, a view; at it no more are sent, so that an API that is down costs no memory.
const MOST_OUTSTANDING: usize = 1_000;
/// Between two questions about the hot views: a tenth of the freshness that is promised.
const ASK_HOT: Duration = Duration::from_millis(200);
/// Between two questions about the history.
const ASK_HISTORY: Duration = Duration::from_secs(2);
/// An answer that takes longer is not waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// What its token must open.
const SCOPE: &str = "read";
/// How long a canary that ends by itself waits for what it has sent.
const LAST_WAIT: Duration = Duration::from_secs(120);

/// How it runs.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The API to look in, for example http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    api: String,
    /// Between two events.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = length)]
    every: Duration,
    /// End by itself after so long, wait for what was sent, and print a summary as JSON; 1 is the exit status if any
    /// event was not seen.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Option<Duration>,
    /// A token with the scope `read`, where the API asks for one; the variable keeps it out of lists of processes.
    #[arg(
        long,
        env = "FOOTFALL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
}

/// A view that is looked in.
struct View {
    /// Its name in metrics and in the API's `store`.
    name: &'static str,
    every: Duration,
    watch: Mutex<Watch>,
}

/// What was seen in a view.
#[derive(Serialize)]
struct Summary {
    view: &'static str,
    seen: u64,
    not_seen: usize,
    lost: u64,
}

/// Runs until it is asked to stop, or for the time given.
///
/// # Errors
/// When the log can't be opened, the address can't be bound, or the API's answers are none that it understands.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<()> {
    metrics::describe();
    let stopping = stop_requested();
    let listener = api::Listener::open(&config.listener()).await?;
    let render = Arc::new(telemetry::metrics::render);
    let router = api::health_router(Arc::new(|| Ok(())), render, &listener.guard());
    tracing::info!(listen = %listener.address()?, api = args.api, "watching");
    let served = tokio::spawn(listener.serve(router, std::future::pending()));
    let views = views(args, &config).await?;
    let client = asking::client(&config, ANSWER)?;
    let looking: Vec<_> = views
        .iter()
        .map(|view| tokio::spawn(look(client.clone(), args.clone(), view.clone())))
        .collect();
    let until = async {
        match args.length {
            Some(length) => {
                // The time is for sending, which waits for every view's first answer.
                let begun = tokio::time::timeout(LAST_WAIT, begun(&views)).await;
                if begun.is_ok() {
                    tokio::time::sleep(length).await;
                }
            }
            None => std::future::pending().await,
        }
    };
    tokio::pin!(stopping);
    let by_itself = tokio::select! {
        () = &mut stopping => false,
        () = until => true,
        sent = send(args, &config, &views) => { sent?; false }
    };
    if by_itself {
        tokio::select! {
            () = &mut stopping => {}
            () = all_seen(&views) => {}
            () = tokio::time::sleep(LAST_WAIT) => {}
        }
    }
    looking.iter().for_each(tokio::task::JoinHandle::abort);
    served.abort();
    if args.length.is_none() {
        return Ok(());
    }
    report(&views).await
}

/// The views that the API has: the history only where it says so. An API that is away is waited for; one that refuses
/// the token, or whose certificate is not trusted, will go on doing so.
async fn views(args: &Args, config: &Config) -> anyhow::Result<Vec<Arc<View>>> {
    let view = |name, every| {
        Arc::new(View {
            name,
            every,
            watch: Mutex::new(Watch::new(Instant::now())),
        })
    };
    let client = asking::client(config, ANSWER)?;
    let history = view("history", ASK_HISTORY);
    let url = address(&args.api, history.name);
    let has_none = match request(&client, &url, args).send().await {
        Ok(answer) => {
            asking::check_admitted(&answer, SCOPE).with_context(|| args.api.clone())?;
            answer.status() == StatusCode::BAD_REQUEST
        }
        Err(error) => match asking::distrust(&error) {
            Some(why) => bail!("{}: {why}", args.api),
            None => false,
        },
    };
    let mut views = vec![view("hot", ASK_HOT)];
    if has_none {
        tracing::info!("the API has no history: only its hot views are watched");
    } else {
        views.push(history);
    }
    Ok(views)
}

/// Sends an event, each to the next partition, until the log can't be used any more.
async fn send(args: &Args, config: &Config, views: &[Arc<View>]) -> anyhow::Result<()> {
    let log = Log::open(config)?;
    let producer = log.producer(&config.topics().events)?;
    let users = users(config.definition.partitions);
    let run = format!("{:016x}", rand::random::<u64>());
    let mut ticks = tokio::time::interval(args.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for (number, user) in users.iter().cycle().enumerate() {
        ticks.tick().await;
        while !may_send(views).await {
            ticks.tick().await;
        }
        let record = record(user, &format!("canary-{run}-{number}"));
        let producer: Arc<dyn Producer> = producer.clone();
        let appended = tokio::task::spawn_blocking(move || producer.append(vec![record])).await?;
        match appended {
            Ok(appended) => {
                counter!(metrics::SENT).increment(1);
                let acknowledged = Instant::now();
                for (view, at) in views.iter().zip(std::iter::repeat(appended.first())) {
                    let Some(at) = at else { continue };
                    let sent = Sent {
                        partition: at.partition,
                        offset: at.offset,
                        acknowledged,
                    };
                    view.watch.lock().await.sent(sent);
                }
            }
            Err(error @ log::Error::Transient(_)) => {
                counter!(metrics::REFUSED).increment(1);
                tracing::warn!(%error, "an event was not acknowledged; the next one is sent in its turn");
            }
            Err(error) => bail!(error),
        }
    }
    Ok(())
}

/// Every view has said what it held before, and none waits for too many.
async fn may_send(views: &[Arc<View>]) -> bool {
    for view in views {
        let watch = view.watch.lock().await;
        if !watch.is_begun() || watch.outstanding() >= MOST_OUTSTANDING {
            return false;
        }
    }
    true
}

async fn begun(views: &[Arc<View>]) {
    while !may_send(views).await {
        tokio::time::sleep(ASK_HOT).await;
    }
}

async fn all_seen(views: &[Arc<View>]) {
    loop {
        let mut outstanding = 0;
        for view in views {
            outstanding += view.watch.lock().await.outstanding();
        }
        if outstanding == 0 {
            return;
        }
        tokio::time::sleep(ASK_HOT).await;
    }
}

/// A user id in each partition.
fn users(partitions: u32) -> Vec<String> {
    (0..partitions)
        .filter_map(|wanted| {
            (0u64..)
                .map(|number| format!("{}-{number}", canary::CAMPAIGN))
                .find(|user| partition::partition_of(user.as_bytes(), partitions) == wanted)
        })
        .collect()
}

fn record(user: &str, id: &str) -> NewRecord {
    let event = v1::Event {
        event_id: id.to_owned(),
        user_id: user.to_owned(),
        kind: v1::Kind::Visit as i32,
        occurred_at_ms: processor::metrics::now_ms(),
        campaign_id: canary::CAMPAIGN.to_owned(),
        user_agent: canary::USER_AGENT.to_owned(),
        ..v1::Event::default()
    };
    NewRecord {
        key: user.as_bytes().to_vec(),
        value: event.encode_to_vec(),
        ..NewRecord::default()
    }
}

/// Asks one view again and again.
async fn look(client: reqwest::Client, args: Args, view: Arc<View>) {
    let url = address(&args.api, view.name);
    // A canary that never sees one has waited since now: without the number no alert could tell.
    gauge!(metrics::LAST_SEEN, "view" => view.name).set(now());
    let mut said = String::new();
    loop {
        match ask(&client, &url, &args).await {
            Ok(seen) => {
                said.clear();
                note(&view, &seen).await;
            }
            Err(error) => {
                let sentence = format!("{error:#}");
                if sentence != said {
                    tracing::warn!(view = view.name, "the API can't be asked: {sentence}");
                    said = sentence;
                }
            }
        }
        let watch = view.watch.lock().await;
        gauge!(metrics::OUTSTANDING, "view" => view.name).set(watch.outstanding() as f64);
        let oldest = watch.oldest(Instant::now()).as_secs_f64();
        gauge!(metrics::OLDEST, "view" => view.name).set(oldest);
        drop(watch);
        tokio::time::sleep(view.every).await;
    }
}

async fn note(view: &View, seen: &Seen) {
    let news = view.watch.lock().await.take(seen, Instant::now());
    for took in &news.took {
        histogram!(metrics::FRESHNESS, "view" => view.name).record(took.as_secs_f64());
    }
    if !news.took.is_empty() {
        gauge!(metrics::LAST_SEEN, "view" => view.name).set(now());
    }
    counter!(metrics::LOST, "view" => view.name).increment(news.lost);
    if news.lost > 0 {
        tracing::error!(
            view = view.name,
            lost = news.lost,
            "events that the view claims to count are not counted"
        );
    }
}

/// Seconds since the epoch.
fn now() -> f64 {
    processor::metrics::now_ms() as f64 / 1000.0
}

fn address(api: &str, store: &str) -> String {
    let api = api.trim_end_matches('/');
    format!(
        "{api}/v1/campaigns/{}?store={store}&bots=include",
        canary::CAMPAIGN
    )
}

fn request(client: &reqwest::Client, url: &str, args: &Args) -> reqwest::RequestBuilder {
    let request = client.get(url);
    match &args.token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn ask(client: &reqwest::Client, url: &str, args: &Args) -> anyhow::Result<Seen> {
    let answer = request(client, url, args).send().await;
    let answer = answer.map_err(asking::explained)?;
    asking::check_admitted(&answer, SCOPE)?;
    match answer.status() {
        // No event of it is counted yet.
        StatusCode::NOT_FOUND => Ok(Seen::default()),
        status if status.is_success() => Ok(answer.json().await?),
        status => bail!("{url} answers {status}: {}", answer.text().await?),
    }
}

async fn report(views: &[Arc<View>]) -> anyhow::Result<()> {
    let mut summaries = Vec::new();
    for view in views {
        let watch = view.watch.lock().await;
        summaries.push(Summary {
            view: view.name,
            seen: watch.claimed(),
            not_seen: watch.outstanding(),
            lost: watch.lost(),
        });
    }
    let text = serde_json::to_string_pretty(&summaries)?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes())?;
    let is_good = |of: &Summary| of.seen > 0 && of.not_seen == 0 && of.lost == 0;
    if !summaries.iter().all(is_good) {
        bail!("not every event was seen: `footfall status` says what is behind");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_partition_has_a_user_of_its_own() {
        for partitions in [1, 3, 12] {
            let users = users(partitions);
            for (wanted, user) in (0..).zip(&users) {
                let found = partition::partition_of(user.as_bytes(), partitions);
                assert_eq!(found, wanted);
            }
            assert_eq!(users.len(), partitions as usize);
        }
    }

    #[tokio::test]
    async fn a_view_that_never_answers_has_the_numbers_that_alerts_read() {
        telemetry::metrics::install().unwrap();
        let args = Args {
            // Nobody listens there.
            api: "http://127.0.0.1:1".to_owned(),
            every: ASK_HISTORY,
            length: None,
            token: None,
        };
        let view = Arc::new(View {
            name: "unanswered",
            every: ASK_HOT,
            watch: Mutex::new(Watch::new(Instant::now())),
        });
        let client = asking::client(&Config::default(), ANSWER).unwrap();
        let asking = tokio::spawn(look(client, args, view));
        let numbers = [metrics::LAST_SEEN, metrics::OLDEST];
        let has = |text: &str, name| text.contains(&format!("{name}{{view=\"unanswered\"}}"));
        let are_there = async {
            while !numbers
                .iter()
                .all(|name| has(&telemetry::metrics::render(), name))
            {
                tokio::time::sleep(ASK_HOT).await;
            }
        };
        let found = tokio::time::timeout(LAST_WAIT, are_there).await;
        asking.abort();
        assert!(found.is_ok(), "{}", telemetry::metrics::render());
    }

    #[test]
    fn its_events_count_as_nobody() {
        let hints = pipeline::device::Hints::default();
        let device = pipeline::device::classify(canary::USER_AGENT, hints);
        assert_eq!(device.class, pipeline::device::DeviceClass::Bot);
    }
}
