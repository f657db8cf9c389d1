//! Asks whoever knows: the log, the consumer group and its members, the stores, and a demo that runs here.

use std::time::Duration;

use processor::survey;

use super::process::{Claim, Owned, PATH, Process};
use super::report::Gathered;
use crate::asking;
use crate::config::Config;
use crate::running;
use crate::set::{self, Log};

/// Whoever takes longer is not waited for; processors are asked once the group has named them.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks all of them at once; what is silent is named.
pub async fn gather(config: &Config, token: Option<&str>) -> Gathered {
    let (log, owners, redis, opensearch) = tokio::join!(
        asked("the log", ask_log(config)),
        asked("the owners of partitions", ask_owners(config)),
        asked(views::redis::NAME, ask_redis(config)),
        asked(views::opensearch::NAME, ask_opensearch(config)),
    );
    let mut gathered = Gathered::default();
    for part in [log, redis, opensearch] {
        gathered.add(part);
    }
    let processes = ask_processes(config, token, owners.claims).await;
    gathered.add(owners.gathered);
    gathered.add(processes);
    ask_checkpoints(config, &mut gathered);
    gathered
}

/// What one of them says, or that it doesn't.
async fn asked<T: Default + AsMut<Gathered>>(
    who: &str,
    question: impl Future<Output = anyhow::Result<T>>,
) -> T {
    let why = match tokio::time::timeout(TIMEOUT, question).await {
        Ok(Ok(said)) => return said,
        Ok(Err(error)) => format!("{who}: {error:#}"),
        Err(_) => format!("{who}: no answer within {} s", TIMEOUT.as_secs()),
    };
    let mut nothing = T::default();
    nothing.as_mut().not_asked.push(why);
    nothing
}

/// On a thread of its own, for Kafka's client waits without letting others go on.
async fn ask_log(config: &Config) -> anyhow::Result<Gathered> {
    let config = config.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let mut gathered = Gathered::default();
        let log = Log::open_read_only(&config)?;
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
        anyhow::Ok(gathered)
    });
    asked.await?
}

/// Who has which partition, and where each is to be asked.
#[derive(Default)]
struct Owners {
    gathered: Gathered,
    claims: Vec<Claim>,
}

impl AsMut<Gathered> for Owners {
    fn as_mut(&mut self) -> &mut Gathered {
        &mut self.gathered
    }
}

/// The group says it, and by the members' names where each is to be asked. A demo says all at once.
async fn ask_owners(config: &Config) -> anyhow::Result<Owners> {
    let mut owners = Owners::default();
    if config.is_embedded() {
        if let Some((address, process)) = running::status(config).await? {
            for partition in process.partitions.keys() {
                let names = &mut owners.gathered.owners;
                names.insert(*partition, address.clone());
            }
            owners.gathered.owned.extend(process.partitions);
        }
        return Ok(owners);
    }
    let (kafka, group, topic) = (
        config.kafka(),
        config.log.group.clone(),
        config.topics().events,
    );
    let members =
        tokio::task::spawn_blocking(move || log::kafka::group::members(&kafka, &group, &topic));
    for member in members.await?? {
        let claim = Claim::of(&member.client, &member.host);
        let name = claim.as_ref().map_or_else(
            || format!("{} at {}", member.client, member.host),
            Claim::url,
        );
        for partition in &member.partitions {
            owners.gathered.owners.insert(*partition, name.clone());
        }
        owners.claims.extend(claim);
    }
    Ok(owners)
}

async fn ask_processes(config: &Config, token: Option<&str>, claims: Vec<Claim>) -> Gathered {
    let mut gathered = Gathered::default();
    let client = match asking::client(config, TIMEOUT) {
        Ok(client) => client,
        Err(error) => {
            gathered.not_asked.push(format!("{error:#}"));
            return gathered;
        }
    };
    let mut questions = tokio::task::JoinSet::new();
    for claim in claims {
        let (client, definition) = (client.clone(), config.definition.id());
        let token = token.map(str::to_owned);
        questions.spawn(async move {
            let question = ask_process(&client, &claim, token.as_deref(), &definition);
            asked(&claim.url(), question).await
        });
    }
    for part in questions.join_all().await {
        gathered.add(part);
    }
    gathered
}

async fn ask_process(
    client: &reqwest::Client,
    claim: &Claim,
    token: Option<&str>,
    definition: &str,
) -> anyhow::Result<Gathered> {
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
    Ok(Gathered {
        owned: process.partitions,
        ..Gathered::default()
    })
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

async fn ask_redis(config: &Config) -> anyhow::Result<Gathered> {
    if config.redis.url.is_empty() {
        return Ok(Gathered::default());
    }
    let stamps = set::look_at_redis(config).await?.stamps().await?;
    Ok(stored(views::redis::NAME, stamps))
}

async fn ask_opensearch(config: &Config) -> anyhow::Result<Gathered> {
    if config.opensearch.urls.is_empty() {
        return Ok(Gathered::default());
    }
    let stamps = set::look_at_opensearch(config)?.stamps().await?;
    Ok(stored(views::opensearch::NAME, stamps))
}

fn stored(store: &'static str, stamps: Vec<Option<views::Stamp>>) -> Gathered {
    Gathered {
        stores: [(store, stamps)].into(),
        ..Gathered::default()
    }
}
