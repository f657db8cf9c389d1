//! Asks whoever knows: the log, the consumer group and its members, the stores, and a demo that runs here.

use std::time::Duration;

use processor::survey;

use super::process::{Claim, Owned, PATH, Process};
use super::report::Gathered;
use crate::asking;
use crate::config::Config;
use crate::running;
use crate::set::{self, Log};

/// A processor that takes longer is not waited for.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(5);
/// A store that takes longer is not waited for.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks all of them; what is silent is named.
pub async fn gather(config: &Config, token: Option<&str>) -> Gathered {
    let mut gathered = Gathered::default();
    let of = config.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let mut gathered = Gathered::default();
        if let Err(error) = ask_log(&of, &mut gathered) {
            gathered.not_asked.push(format!("the log: {error:#}"));
        }
        gathered
    });
    if let Ok(asked) = asked.await {
        gathered = asked;
    }
    let owners = if config.is_embedded() {
        ask_demo(config, &mut gathered).await
    } else {
        ask_group(config, token, &mut gathered).await
    };
    if let Err(error) = owners {
        gathered
            .not_asked
            .push(format!("the owners of partitions: {error:#}"));
    }
    ask_checkpoints(config, &mut gathered);
    ask_stores(config, &mut gathered).await;
    gathered
}

fn ask_log(config: &Config, gathered: &mut Gathered) -> anyhow::Result<()> {
    let log = Log::open_read_only(config)?;
    let topics = config.topics();
    let mut events = log.reader(&topics.events)?;
    for partition in 0..config.definition.partitions {
        gathered.bounds.insert(partition, events.bounds(partition)?);
    }
    let mut letters = log.reader(&topics.dead_letters)?;
    let mut records = 0;
    for partition in 0..letters.partitions()? {
        let bounds = letters.bounds(partition)?;
        records += bounds.end - bounds.start;
    }
    gathered.letters = Some(records);
    Ok(())
}

/// The group says who has which partition, and by the members' names where each is to be asked.
async fn ask_group(
    config: &Config,
    token: Option<&str>,
    gathered: &mut Gathered,
) -> anyhow::Result<()> {
    let (kafka, group, topic) = (
        config.kafka(),
        config.log.group.clone(),
        config.topics().events,
    );
    let members =
        tokio::task::spawn_blocking(move || log::kafka::group::members(&kafka, &group, &topic))
            .await??;
    let client = asking::client(config, PROCESS_TIMEOUT)?;
    for member in members {
        let claim = Claim::of(&member.client, &member.host);
        let name = claim.as_ref().map_or_else(
            || format!("{} at {}", member.client, member.host),
            Claim::url,
        );
        for partition in &member.partitions {
            gathered.owners.insert(*partition, name.clone());
        }
        let Some(claim) = claim else { continue };
        match ask_process(&client, &claim, token, &config.definition.id()).await {
            Ok(process) => take(process, gathered),
            Err(error) => gathered.not_asked.push(format!("{name}: {error:#}")),
        }
    }
    Ok(())
}

async fn ask_process(
    client: &reqwest::Client,
    claim: &Claim,
    token: Option<&str>,
    definition: &str,
) -> anyhow::Result<Process> {
    let mut request = client.get(format!("{}{PATH}", claim.url()));
    let mut advice = "give a token with the scope metrics in FOOTFALL_TOKEN".to_owned();
    if let Some(token) = token {
        match claim.may_be_told_a_token(&claim.addresses().await) {
            Ok(()) => request = request.bearer_auth(token),
            Err(why) => advice = why,
        }
    }
    let answer = request.send().await.map_err(asking::explained)?;
    let status = answer.status();
    if status == reqwest::StatusCode::UNAUTHORIZED || status == reqwest::StatusCode::FORBIDDEN {
        anyhow::bail!("it answers {status}: {advice}");
    }
    if !status.is_success() {
        anyhow::bail!("it answers {status}");
    }
    let process: Process = answer.json().await?;
    if process.definition != definition {
        anyhow::bail!(
            "it folds under definition {}, and this command was told {definition}: give both one configuration",
            process.definition
        );
    }
    Ok(process)
}

async fn ask_demo(config: &Config, gathered: &mut Gathered) -> anyhow::Result<()> {
    if let Some((address, process)) = running::status(config).await? {
        for partition in process.partitions.keys() {
            gathered.owners.insert(*partition, address.clone());
        }
        take(process, gathered);
    }
    Ok(())
}

fn take(process: Process, gathered: &mut Gathered) {
    gathered.owned.extend(process.partitions);
}

/// A partition whose owner is silent, or that nobody has: the checkpoint here says how far it was folded.
fn ask_checkpoints(config: &Config, gathered: &mut Gathered) {
    let folder = set::settings(config).state_folder;
    let kept = match survey::kept(&folder, &config.definition) {
        Ok(kept) => kept,
        Err(error) => {
            gathered.not_asked.push(error.to_string());
            return;
        }
    };
    for (partition, kept) in kept {
        gathered.owned.entry(partition).or_insert_with(|| Owned {
            next_offset: kept.next_offset,
            log_time_ms: kept.log_time,
            checkpointed: kept.next_offset,
            ..Owned::default()
        });
    }
}

async fn ask_stores(config: &Config, gathered: &mut Gathered) {
    if !config.redis.url.is_empty() {
        let asked = async { set::look_at_redis(config).await?.stamps().await };
        keep(
            views::redis::NAME,
            tokio::time::timeout(STORE_TIMEOUT, asked).await,
            gathered,
        );
    }
    if !config.opensearch.urls.is_empty() {
        let asked = async { set::look_at_opensearch(config)?.stamps().await };
        keep(
            views::opensearch::NAME,
            tokio::time::timeout(STORE_TIMEOUT, asked).await,
            gathered,
        );
    }
}

fn keep(
    store: &'static str,
    asked: Result<Result<Vec<Option<views::Stamp>>, views::Error>, tokio::time::error::Elapsed>,
    gathered: &mut Gathered,
) {
    match asked {
        Ok(Ok(stamps)) => {
            gathered.stores.insert(store, stamps);
        }
        Ok(Err(error)) => gathered.not_asked.push(error.to_string()),
        Err(_) => gathered.not_asked.push(format!(
            "{store}: no answer within {} s",
            STORE_TIMEOUT.as_secs()
        )),
    }
}
