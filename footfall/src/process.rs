//! `footfall process`: a member of the group, from Kafka to Redis and OpenSearch.

use std::sync::Arc;

use anyhow::{Context, bail};
use processor::emitter::Emitter;
use processor::{Parts, Processor};
use tokio::sync::oneshot;
use views::Sink;

use crate::checks;
use crate::config::Config;
use crate::enters;
use crate::indices;
use crate::set::{self, Log, Stores, Use};
use crate::status;
use crate::stopping::{stop_requested, unless_stopped};

/// How it is started.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Start with a definition that neither the state folder nor OpenSearch holds although they hold another one: its
    /// views are filled from the log's start. Needed until they hold it.
    #[arg(long)]
    new_definition: bool,
}

/// Runs until it is asked to stop; then checkpoints, brings the stores up and leaves the group.
///
/// # Errors
/// When it can't start: a topic that can lose data, a store that can't hold views, an unknown definition, no listener. A
/// store that is down is no reason: it is brought up when it is back.
pub async fn run(args: &Args, config: Config) -> anyhow::Result<()> {
    let mut stopping = stop_requested();
    let opened = unless_stopped(&mut stopping, open(args, &config)).await?;
    let Some((listener, log, stores)) = opened else {
        return Ok(());
    };
    let topics = config.topics();
    let parts = Parts {
        reader: log.reader(&topics.events)?,
        dead_letters: log.producer(&topics.dead_letters)?,
        hot: stores.redis.map(|store| store as Arc<dyn Sink>),
        history: stores.opensearch.map(|store| store as Arc<dyn Sink>),
        snapshots: set::snapshots(&config)?,
        runtime: tokio::runtime::Handle::current(),
    };
    let (mut kafka, group, events) = (
        config.kafka(),
        config.log.group.clone(),
        topics.events.clone(),
    );
    // `footfall status` finds the processors by their names in the group.
    let name =
        status::process::name_in_group(listener.scheme(), &config.listen.host, listener.address()?);
    kafka.extra.entry("client.id".to_owned()).or_insert(name);
    let emitter = enters::start(&config, &log, &kafka)?;
    let processor = Processor::start(set::settings(&config), parts, move |positions| {
        let consumer = log::kafka::Consumer::join(&kafka, &group, &events, positions)?;
        Ok(Box::new(consumer) as Box<dyn log::Consumer>)
    })?;
    let (status, definition) = (processor.status(), config.definition.id());
    let said: web::Status = Arc::new(move || {
        serde_json::to_value(status::process::Process::of(&definition, &status)).unwrap_or_default()
    });
    let status = processor.status();
    let untold = emitter.as_ref().map(Emitter::halted);
    let ready: web::Readiness = Arc::new(move || {
        let halted = status
            .partitions()
            .into_iter()
            .find_map(|(partition, of)| Some((partition, of.halted?)));
        let halted = halted.map(|of| ("partition", of)).or_else(|| {
            let untold = untold.as_ref().and_then(|halted| halted())?;
            Some(("the entries topic's partition", untold))
        });
        halted.map_or(Ok(()), |(of, (partition, why))| {
            Err(web::Unready {
                what: "a partition is halted".to_owned(),
                details: format!("{of} {partition} halted: {why}"),
            })
        })
    });
    let router = web::health_router(
        ready,
        Arc::new(telemetry::metrics::render),
        &listener.guard(),
    )
    .merge(web::status_router(
        status::process::PATH,
        said,
        &listener.guard(),
    ));
    tracing::info!(listen = %listener.address()?, scheme = listener.scheme(), definition = config.definition.id(), "processing");
    let counting = tokio::spawn(indices::count_unused(config));
    let (ended, (tell, failed)) = (processor.ended(), oneshot::channel());
    let told = emitter.as_ref().map(Emitter::ended);
    let until = async move {
        // Whoever asks for the reason is gone only when the listener failed.
        tokio::select! {
            () = stopping => {}
            why = ended => { let _ = tell.send(why); }
            why = enters::ended(told) => { let _ = tell.send(why); }
        }
    };
    let stop = move || {
        processor.stop();
        if let Some(emitter) = emitter {
            emitter.stop();
        }
    };
    let served = until_served(listener.serve(router, until), stop).await;
    counting.abort();
    served?;
    if let Ok(why) = failed.await {
        bail!("{why}");
    }
    Ok(())
}

/// What it works on, once nothing speaks against a start.
async fn open(args: &Args, config: &Config) -> anyhow::Result<(web::Listener, Log, Stores)> {
    let listener = web::Listener::open(&config.listener()).await?;
    let checked = config.clone();
    tokio::task::spawn_blocking(move || {
        checks::folder(&checked).settle()?;
        checks::topics_of_process(&checked).settle()
    })
    .await??;
    let log = Log::open(config)?;
    if !args.new_definition {
        checks::definition_at_start(config).await.settle()?;
    }
    let stores = Stores::connect(config, Use::Write).await?;
    checks::log_at_start(config, &stores, log.reader(&config.topics().events)?)
        .await
        .settle()?;
    Ok((listener, log, stores))
}

/// Stops the processor once nothing is served any more; also where the listener failed, so that what was folded is kept
/// and the group need not find out that a member is gone.
async fn until_served(
    serving: impl Future<Output = std::io::Result<()>>,
    stop: impl FnOnce() + Send + 'static,
) -> anyhow::Result<()> {
    let served = serving.await;
    tracing::info!("stopping: last checkpoints");
    tokio::task::spawn_blocking(stop).await?;
    served.context("the HTTP listener failed; the processor was stopped")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_listener_that_fails_ends_the_process_after_the_processor_was_stopped() {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = {
            let stopped = stopped.clone();
            move || stopped.store(true, Ordering::SeqCst)
        };
        let failing = async { Err(std::io::Error::other("too many open files")) };
        let ended = until_served(failing, stop).await;
        assert!(stopped.load(Ordering::SeqCst));
        let said = ended.map_or_else(|error| format!("{error:#}"), |()| String::new());
        assert!(said.contains("too many open files"), "{said}");
    }
}
