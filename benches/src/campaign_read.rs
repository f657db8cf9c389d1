//! Reading a campaign with its activities: the old way, one query an activity in each store, beside one question.
//!
//! The old way lives here only. Both give the same numbers, which is checked before anything is timed; calls are
//! those that the servers counted themselves.

mod calls;
mod events;
mod old_way;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall::config::Config;
use footfall::set;
use views::{Answer, Question, Span, Views};

use self::calls::{Calls, Counter};
use self::old_way::OldWay;
use crate::machine;

/// Activities of the campaigns that are read.
const ACTIVITIES: [usize; 4] = [1, 10, 100, 1000];
/// Requests of the old way under way at once, where it is helped along.
const AT_ONCE: usize = 16;

/// What to measure on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Redis, with nobody else on it: its calls are counted.
    #[arg(long, env = "FOOTFALL_REDIS")]
    redis: String,
    /// OpenSearch, with nobody else on it.
    #[arg(long, env = "FOOTFALL_OPENSEARCH")]
    opensearch: String,
    /// Events of each campaign, at least twenty an activity.
    #[arg(long, default_value_t = 20_000)]
    events: u32,
    /// Partitions.
    #[arg(long, default_value_t = 12)]
    partitions: u32,
    /// Times each campaign is read, within `--seconds`.
    #[arg(long, default_value_t = 200)]
    reads: u32,
    /// Longest time for one figure, at least three reads.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// One way of reading one campaign.
struct Figure {
    activities: usize,
    way: &'static str,
    took: Vec<Duration>,
    calls: Calls,
}

/// Visits by activity: what the ways are compared by.
type Visits = BTreeMap<String, u64>;

/// Fills the stores, compares, measures, prints.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure_all(args))
}

async fn measure_all(args: &Args) -> anyhow::Result<()> {
    let mut config = Config::default();
    config.redis.url.clone_from(&args.redis);
    config.opensearch.urls = vec![args.opensearch.clone()];
    config.opensearch.prefix = format!("bench{:08x}", rand::random::<u32>());
    config.opensearch.replicas = 0;
    config.opensearch.documents_per_second = 0;
    config.definition.partitions = args.partitions;
    config.definition.hash_key = format!("{:032x}", rand::random::<u128>());
    let load_before = machine::load();
    let redis = set::redis(&config).await?.context("no Redis")?;
    let opensearch = set::opensearch(&config).await?.context("no OpenSearch")?;
    let sinks: [&dyn views::Sink; 2] = [redis.as_ref(), opensearch.as_ref()];
    events::fill(&config.definition, &ACTIVITIES, args.events, &sinks).await?;
    let old = OldWay::connect(&args.redis, &args.opensearch, opensearch.index()).await?;
    let counter = Counter::connect(&args.redis, &args.opensearch).await?;
    let mut figures = Vec::new();
    for activities in ACTIVITIES {
        machine::progress(format_args!("{activities} activities"));
        let campaign = events::campaign(activities);
        let names = events::activities(activities);
        old.prepare(&campaign, redis.as_ref()).await?;
        let question = Question::Campaign {
            campaign: campaign.clone(),
            span: Span::Life,
        };
        let wanted = visits(&redis.ask(&question).await?);
        ensure!(wanted.len() == activities, "the campaign lost activities");
        ensure!(visits(&opensearch.ask(&question).await?) == wanted);
        ensure!(old.read(&campaign, &names, 1).await? == (wanted.clone(), wanted));
        let mut add = |way, (took, calls)| {
            figures.push(Figure {
                activities,
                way,
                took,
                calls,
            });
        };
        let one_by_one = || async { old.read(&campaign, &names, 1).await.map(drop) };
        add("old: one by one", timed(args, &counter, one_by_one).await?);
        let at_once = || async { old.read(&campaign, &names, AT_ONCE).await.map(drop) };
        add("old: 16 at once", timed(args, &counter, at_once).await?);
        let hot = || async { Ok(redis.ask(&question).await.map(drop)?) };
        add("new: Redis", timed(args, &counter, hot).await?);
        let history = || async { Ok(opensearch.ask(&question).await.map(drop)?) };
        add("new: OpenSearch", timed(args, &counter, history).await?);
    }
    old.clean().await?;
    print(args, &load_before, &figures);
    Ok(())
}

/// Visits of each activity, bots included.
fn visits(answer: &Answer) -> Visits {
    let activities = answer.scopes.iter();
    let named = activities.filter_map(|(scope, numbers)| {
        let cells = numbers.counts.cells.iter();
        let visits = cells.filter(|(cell, _)| cell.kind == pipeline::cell::Kind::Visit);
        Some((
            scope.activity.as_ref()?.to_string(),
            visits.map(|(_, count)| count).sum(),
        ))
    });
    named.collect()
}

/// Reads again and again: how long each took, and the calls of one.
async fn timed<F: Future<Output = anyhow::Result<()>>>(
    args: &Args,
    counter: &Counter,
    read: impl Fn() -> F,
) -> anyhow::Result<(Vec<Duration>, Calls)> {
    const FEWEST: usize = 3;
    read().await?;
    let before = counter.count().await?;
    read().await?;
    let calls = counter.count().await? - before;
    let (start, longest) = (Instant::now(), Duration::from_secs(args.seconds));
    let mut took = Vec::new();
    while took.len() < FEWEST || (took.len() < args.reads as usize && start.elapsed() < longest) {
        let start = Instant::now();
        read().await?;
        took.push(start.elapsed());
    }
    took.sort();
    Ok((took, calls))
}

impl Figure {
    fn quantile(&self, share: f64) -> f64 {
        let at = (self.took.len() as f64 * share) as usize;
        let took = self.took.get(at.min(self.took.len().saturating_sub(1)));
        took.map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    }
}

fn print(args: &Args, load_before: &str, figures: &[Figure]) {
    let mut text = format!(
        "{} events a campaign (at least 20 an activity), {} partitions; {}; load before {load_before}\n\n| activities | way | calls to Redis | calls to OpenSearch | p50 ms | p99 ms | reads | of the old way |\n|---:|---|---:|---:|---:|---:|---:|---:|\n",
        args.events,
        args.partitions,
        machine::describe(),
    );
    let mut before = 0.0;
    for figure in figures {
        let median = figure.quantile(0.5);
        if figure.way == "old: one by one" {
            before = median;
        }
        text += &format!(
            "| {} | {} | {} | {} | {median:.2} | {:.2} | {} | {:.4} |\n",
            figure.activities,
            figure.way,
            figure.calls.redis,
            figure.calls.opensearch,
            figure.quantile(0.99),
            figure.took.len(),
            median / before,
        );
    }
    machine::print(&text);
}
