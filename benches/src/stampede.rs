//! Many people ask for a seat within a short while, each once, and again elsewhere when they are not answered.
//!
//! Requests have a time at which they are due, whatever the gateways do: a latency counts from there, so that a gateway
//! that stands still is not asked less. Within no time at all, each is due when a connection is free for it: as fast as the gateways
//! can. Every answer is kept, for whoever holds them against the log.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::machine;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);
/// How long somebody tries.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before another try.
const PAUSE: Duration = Duration::from_millis(200);

/// Who asks for what, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Address of a gateway that takes users at their word; several are asked in turn.
    #[arg(long, required = true)]
    gateway: Vec<String>,
    /// The activity, defined already.
    #[arg(long)]
    activity: String,
    /// People.
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    /// Time within which they all ask first, milliseconds; 0: each as soon as a connection is free.
    #[arg(long, default_value_t = 1_000)]
    within_ms: u64,
    /// Kept connections, together.
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Stands before the users' ids.
    #[arg(long, default_value = "user")]
    prefix: String,
    /// Every last answer as a line of JSON.
    #[arg(long)]
    answers: Option<PathBuf>,
}

/// The last answer of one person.
#[derive(Debug, Serialize)]
struct Answered {
    user: String,
    status: u16,
    /// When the first try was due, microseconds from the start.
    due_us: u64,
    /// From when the first try was due to the answer, microseconds.
    took_us: u64,
    /// Tries that were not answered, or answered with a status that says to try again.
    again: u32,
    answer: Value,
}

/// Sends, sums up, prints Markdown.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let load_before = machine::load();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let start = Instant::now();
    let answers = runtime.block_on(all(args))?;
    let took = start.elapsed();
    if let Some(path) = &args.answers {
        let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
        let mut file = std::io::BufWriter::new(file);
        for answer in &answers {
            writeln!(file, "{}", serde_json::to_string(answer)?)?;
        }
        file.flush()?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} people within {} ms at {} gateways; all were answered after {:.1} s; {}; load before {load_before}\n\n| answer | people | p50 ms | p99 ms | greatest ms |\n|---|---:|---:|---:|---:|",
        args.users,
        args.within_ms,
        args.gateway.len(),
        took.as_secs_f64(),
        machine::describe()
    )?;
    for (name, mut times) in by_answer(&answers) {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
        writeln!(
            out,
            "| {name} | {} | {:.1} | {:.1} | {:.1} |",
            times.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        )?;
    }
    let again: u32 = answers.iter().map(|of| of.again).sum();
    writeln!(out, "\n{again} further tries.")?;
    Ok(())
}

/// Times of the answers in microseconds, by what was answered and whether the log decided it.
fn by_answer(answers: &[Answered]) -> BTreeMap<String, Vec<u64>> {
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for of in answers {
        let outcome = of.answer["outcome"].as_str().unwrap_or("no answer");
        let from = match of.answer["decided"].as_bool() {
            Some(true) => ", by the log",
            Some(false) => ", from memory",
            None => "",
        };
        let name = format!("{} {outcome}{from}", of.status);
        times.entry(name).or_default().push(of.took_us);
    }
    times
}

async fn all(args: &Args) -> anyhow::Result<Vec<Answered>> {
    let client = Client::builder()
        .no_proxy()
        .timeout(TRY)
        .pool_max_idle_per_host(args.connections)
        .build()?;
    let (args, next) = (Arc::new(args.clone()), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..args.connections {
        let (client, args, next) = (client.clone(), args.clone(), next.clone());
        senders.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= args.users {
                    return answers;
                }
                let share = number as f64 / args.users as f64;
                let mut due = start + Duration::from_millis(args.within_ms).mul_f64(share);
                if args.within_ms == 0 {
                    due = Instant::now();
                } else {
                    tokio::time::sleep_until(due.into()).await;
                }
                let mut answered = ask(&client, &args, number, due).await;
                answered.due_us = (due - start).as_micros() as u64;
                answers.push(answered);
            }
        });
    }
    let mut answers = Vec::with_capacity(args.users);
    while let Some(of) = senders.join_next().await {
        answers.extend(of?);
    }
    Ok(answers)
}

/// Asks until there is an answer that stays, at one gateway after the other.
async fn ask(client: &Client, args: &Args, number: usize, due: Instant) -> Answered {
    let user = format!("{}-{number}", args.prefix);
    let mut again = 0;
    loop {
        let gateway = &args.gateway[(number + again as usize) % args.gateway.len()];
        let url = format!("{gateway}/v1/activities/{}/entries", args.activity);
        let request = client.post(url).header("footfall-user", &user);
        let answered = match request.header("idempotency-key", &user).send().await {
            Ok(answer) => Some((answer.status(), answer.json().await.unwrap_or(Value::Null))),
            Err(_) => None,
        };
        let (status, answer) = match answered {
            Some((status, answer)) if !says_again(status) || due.elapsed() > PATIENCE => {
                (status.as_u16(), answer)
            }
            None if due.elapsed() > PATIENCE => (0, Value::Null),
            _ => {
                again += 1;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        return Answered {
            user,
            status,
            due_us: 0,
            took_us: due.elapsed().as_micros() as u64,
            again,
            answer,
        };
    }
}

/// Whether the same is to be asked again: the log has not answered, there is no room, it opens later.
fn says_again(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::ACCEPTED | StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    )
}
