//! `footfall canary`: sends an event a second and looks for it in the API, as somebody who asks would see it.
//!
//! Its events have a campaign of their own (`schemas::canary`) and come from a bot, so that no number of another campaign and
//! no count of people has them. Each visits the next partition, so that one that stands still is noticed within as many
//! seconds as there are partitions.

mod ask;
pub mod metrics;
mod report;
mod send;
mod view;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use crate::asking;
use crate::config::{Config, open_host};
use crate::length::length;
use crate::stopping::stop_requested;

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

/// Runs until it is asked to stop, or for the time given.
///
/// # Errors
/// When the log can't be opened, the address can't be bound, or the API refuses the token or has a certificate that is
/// not trusted; with a time given, when not every event was seen.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<()> {
    metrics::describe();
    let stopping = stop_requested();
    let listener = web::Listener::open(&config.listener()).await?;
    let render = Arc::new(telemetry::metrics::render);
    let router = web::health_router(Arc::new(|| Ok(())), render, &listener.guard());
    tracing::info!(listen = %listener.address()?, api = args.api, "watching");
    let served = tokio::spawn(listener.serve(router, std::future::pending()));
    if let (Some(_), Some(host)) = (&args.token, open_host(&args.api)) {
        tracing::warn!("the token goes to {host} unencrypted; let --api begin with https://");
    }
    let client = asking::client(&config, ask::ANSWER)?;
    ask::check_admitted(&client, args).await?;
    let views = view::views();
    let looking: Vec<_> = views
        .iter()
        .map(|view| tokio::spawn(ask::look(client.clone(), args.clone(), view.clone())))
        .collect();
    let until = async {
        match args.length {
            Some(length) => {
                // The time begins with every view's first answer.
                let begun = tokio::time::timeout(LAST_WAIT, view::all_begun(&views)).await;
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
        sent = send::send(args, &config, &views) => { sent?; false }
    };
    if by_itself {
        tokio::select! {
            () = &mut stopping => {}
            () = view::all_seen(&views) => {}
            () = tokio::time::sleep(LAST_WAIT) => {}
        }
    }
    looking.iter().for_each(tokio::task::JoinHandle::abort);
    served.abort();
    if args.length.is_none() {
        return Ok(());
    }
    report::report(&views).await
}
