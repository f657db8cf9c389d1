//! Three real nodes, one of which is killed or frozen under writes: nothing acknowledged is lost, nothing goes back.
//!
//! `make test-opensearch-3` starts the nodes and runs this; `make test` has one node only. So has the node with a tiny
//! queue, an instance of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Its figures are for people: how long writes and questions waited.
#![allow(clippy::print_stderr)]

#[allow(dead_code)]
mod opensearch;
#[path = "opensearch_three_nodes/tiny_queue.rs"]
mod tiny_queue;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::opensearch::http::Method;
use opensearch::{Fold, Server, config, empty, urls, without_zeroes};
use serde_json::{Value, json};
use views::opensearch::{Config, Store};
use views::{Error, Question, Sink, Stored, Views};

const PARTITIONS: u32 = 3;
const CAP: Duration = Duration::from_secs(180);
/// Documents of a shard that are compared; more would be told.
const MOST_COMPARED: usize = 100_000;
/// Rounds of writes that must be acknowledged while a node is away.
const ROUNDS: usize = 40;

fn run_folder() -> PathBuf {
    std::env::var("FOOTFALL_TEST_RUN")
        .expect("set FOOTFALL_TEST_RUN to the folder of three nodes' PID files; make test-opensearch-3 does")
        .into()
}

fn signal(node: &str, signal: &str) {
    let pid = std::fs::read_to_string(run_folder().join(node).join("pid")).unwrap();
    let status = Command::new("kill").args([signal, pid.trim()]).status();
    assert!(status.unwrap().success(), "kill {signal} {node}");
}

/// Wakes a node that is frozen, also where its test fails: those after it need all three.
struct Awake<'a>(&'a str);

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        // A killed one has none to wake.
        let Ok(pid) = std::fs::read_to_string(run_folder().join(self.0).join("pid")) else {
            return;
        };
        let _ = Command::new("kill").args(["-CONT", pid.trim()]).status();
    }
}

/// Starts what does not run.
fn start_nodes() {
    let up = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/up.sh");
    let status = Command::new(up)
        .arg("opensearch")
        .env("NODES", "3")
        .status();
    assert!(status.unwrap().success(), "deploy/up.sh opensearch");
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < CAP, "never: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The cluster, past the store, by a node that stays.
async fn ask(staying: &str, path: &str, body: Option<Value>) -> Value {
    Server::at(staying, path)
        .send(
            if body.is_some() {
                Method::Post
            } else {
                Method::Get
            },
            "",
            body,
        )
        .await
}

fn address(node: &str) -> String {
    let number: usize = node.trim_start_matches("opensearch-").parse().unwrap();
    urls()[number - 1].clone()
}

async fn until_every_copy_is_there(index: &str) {
    let path = format!("_cluster/health/{index}");
    until("every copy is there", || async {
        let health = ask(&address("opensearch-1"), &path, None).await;
        // A copy on its way to another node is there twice.
        let is_still = health["relocating_shards"] == 0;
        is_still && health["status"] == "green" && health["number_of_nodes"] == 3
    })
    .await;
}

/// The node that holds a primary and isn't the cluster manager, so that only data are at stake, or that is.
async fn victim(index: &str, manager: bool) -> String {
    let first = address("opensearch-1");
    let leader = ask(&first, "_cat/cluster_manager?format=json", None).await;
    let leader = leader[0]["node"].as_str().unwrap().to_owned();
    if manager {
        return leader;
    }
    let shards = ask(&first, &format!("_cat/shards/{index}?format=json"), None).await;
    let holds = shards
        .as_array()
        .unwrap()
        .iter()
        .find(|shard| shard["prirep"] == "p" && shard["node"] != leader.as_str());
    holds.expect("primaries are spread")["node"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What writers and readers share.
struct Traffic {
    store: Store,
    stop: AtomicBool,
    rounds: AtomicU64,
}

/// Writes rounds until it is stopped, each until it is acknowledged; returns the fold and the longest round.
async fn write(traffic: Arc<Traffic>, mut fold: Fold) -> (Fold, Duration) {
    let mut longest = Duration::ZERO;
    while !traffic.stop.load(Ordering::Relaxed) {
        fold.feed(60);
        let begin = Instant::now();
        for change in fold.changes() {
            until("a change is acknowledged", || async {
                match traffic.store.apply(&change).await {
                    Ok(stored) => stored == Stored::At(change.to),
                    Err(Error::Transient { .. }) => false,
                    Err(error) => panic!("{error}"),
                }
            })
            .await;
        }
        longest = longest.max(begin.elapsed());
        traffic.rounds.fetch_add(1, Ordering::Relaxed);
    }
    (fold, longest)
}

/// Asks until it is stopped: offsets never go back. Returns how many questions were answered, and the longest wait.
async fn read(traffic: Arc<Traffic>) -> (u64, Duration) {
    let (mut answered, mut longest) = (0, Duration::ZERO);
    let mut seen = vec![0; PARTITIONS as usize];
    while !traffic.stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        if let Ok(answer) = traffic.store.ask(&Question::Campaigns).await {
            for (stamp, seen) in answer.as_of.partitions.iter().zip(&mut seen) {
                assert!(
                    stamp.offset >= *seen,
                    "partition {} went back",
                    stamp.partition
                );
                *seen = stamp.offset;
            }
            answered += 1;
        }
        longest = longest.max(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (answered, longest)
}

/// Every document of each copy of each shard, by id, with its version.
async fn assert_copies_are_equal(index: &str) -> usize {
    let first = address("opensearch-1");
    let window = json!({"index.max_result_window": MOST_COMPARED});
    let server = Server::at(&first, index);
    server.send(Method::Put, "/_settings", Some(window)).await;
    ask(&first, &format!("{index}/_refresh"), Some(json!({}))).await;
    let nodes = ask(
        &first,
        "_cat/nodes?format=json&full_id=true&h=id,name",
        None,
    )
    .await;
    let id_of = |name: &Value| {
        let mut nodes = nodes.as_array().unwrap().iter();
        let node = nodes.find(|node| node["name"] == *name).unwrap();
        node["id"].as_str().unwrap().to_owned()
    };
    let shards = ask(&first, &format!("{index}/_search_shards"), None).await;
    let body = json!({"size": MOST_COMPARED, "version": true, "seq_no_primary_term": true, "track_total_hits": true});
    let mut compared = 0;
    for copies in shards["shards"].as_array().unwrap() {
        let copies = copies.as_array().unwrap();
        assert_eq!(copies.len(), 2, "a copy is missing");
        let mut held: Vec<Vec<(String, String)>> = Vec::new();
        for copy in copies {
            let (shard, node) = (&copy["shard"], copy["node"].as_str().unwrap());
            assert!(
                nodes
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| id_of(&one["name"]) == node)
            );
            let path = format!("{index}/_search?preference=_shards:{shard}%7C_only_nodes:{node}");
            let found = ask(&first, &path, Some(body.clone())).await;
            let hits = found["hits"]["hits"].as_array().unwrap();
            assert_eq!(
                found["hits"]["total"]["value"],
                hits.len(),
                "too many to compare"
            );
            let mut documents: Vec<(String, String)> = hits
                .iter()
                .map(|hit| {
                    let what = [&hit["_version"], &hit["_seq_no"], &hit["_source"]];
                    (hit["_id"].to_string(), format!("{what:?}"))
                })
                .collect();
            documents.sort();
            held.push(documents);
        }
        assert!(held[0] == held[1], "the copies of a shard differ");
        compared += held[0].len();
    }
    compared
}

/// Traffic over a node's absence: `away` takes it away, `back` brings it back.
async fn survives(what: &str, manager: bool, away: impl Fn(&str), back: impl Fn(&str)) {
    let config = Config {
        shards: 3,
        replicas: 1,
        ..config(PARTITIONS)
    };
    let store = Store::connect(config.clone()).await.unwrap();
    let index = store.index().to_owned();
    for partition in 0..PARTITIONS {
        store.fill(&empty(partition)).await.unwrap();
    }
    until_every_copy_is_there(&index).await;
    let victim = victim(&index, manager).await;
    let traffic = Arc::new(Traffic {
        store,
        stop: AtomicBool::new(false),
        rounds: AtomicU64::new(0),
    });
    let writer = tokio::spawn(write(traffic.clone(), Fold::new(&config.definition)));
    let reader = tokio::spawn(read(traffic.clone()));
    let rounds = || traffic.rounds.load(Ordering::Relaxed) as usize;
    // Each has the whole wait: a machine that does other things is slow at all of them.
    let further = async |count| {
        for _ in 0..count {
            let before = rounds();
            until("writes go on", || async { rounds() > before }).await;
        }
    };
    further(5).await;

    let awake = Awake(&victim);
    away(&victim);
    further(ROUNDS).await;
    back(&victim);
    until_every_copy_is_there(&index).await;
    further(5).await;
    drop(awake);
    traffic.stop.store(true, Ordering::Relaxed);
    let (fold, longest_write) = writer.await.unwrap();
    let (answered, longest_question) = reader.await.unwrap();

    let (_, cells) = traffic.store.dump().await.unwrap();
    assert_eq!(
        without_zeroes(cells),
        fold.cells(),
        "an acknowledged document was lost"
    );
    until_every_copy_is_there(&index).await;
    let compared = assert_copies_are_equal(&index).await;
    assert!(
        compared > 1000 && answered > 10,
        "{compared} documents, {answered} answers"
    );
    eprintln!(
        "{what}: {} rounds of writes, the longest {longest_write:.1?}; {answered} questions answered, the longest wait \
         {longest_question:.1?}; {compared} documents equal on both copies",
        rounds()
    );
    Server::at(&address("opensearch-1"), &index).delete().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs three nodes"]
async fn a_killed_node_loses_no_acknowledged_document_and_writes_go_on() {
    survives(
        "a data node is killed",
        false,
        |node| signal(node, "-KILL"),
        |_| start_nodes(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs three nodes"]
async fn a_killed_cluster_manager_loses_no_acknowledged_document_and_writes_go_on() {
    survives(
        "the cluster manager is killed",
        true,
        |node| signal(node, "-KILL"),
        |_| start_nodes(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs three nodes"]
async fn a_frozen_node_is_passed_over_and_loses_nothing_when_it_is_back() {
    survives(
        "a data node is frozen",
        false,
        |node| signal(node, "-STOP"),
        |node| signal(node, "-CONT"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs three nodes"]
async fn a_frozen_cluster_manager_is_passed_over_and_loses_nothing_when_it_is_back() {
    survives(
        "the cluster manager is frozen",
        true,
        |node| signal(node, "-STOP"),
        |node| signal(node, "-CONT"),
    )
    .await;
}
