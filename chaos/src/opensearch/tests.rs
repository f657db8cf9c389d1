//! The real store on the cluster in memory: what its faults may do, and what they may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use pipeline::aggregate::Reader;
use pipeline::calendar::Calendar;
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::row::{Facet, NamedCells, add_row};
use pipeline::state::{Outcome, State};
use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::partition::partition_of;
use schemas::v1::{Event, Kind};
use views::opensearch::{Access, Config, Store, documents_of};
use views::{Change, Error, Sink, Stored, Views};

use super::*;

/// 2025-11-17T00:00:00Z.
const MONDAY_MS: i64 = 1_763_337_600_000;
const DAY_MS: i64 = 86_400_000;
const PARTITIONS: u32 = 2;

fn definition() -> Definition {
    Definition {
        partitions: PARTITIONS,
        hash_key: "0".repeat(32),
        ..Definition::default()
    }
}

fn store(cluster: &Cluster) -> Store {
    let config = Config {
        urls: Vec::new(),
        access: Access::default(),
        prefix: String::new(),
        definition: definition(),
        shards: PARTITIONS,
        replicas: 0,
        documents_per_second: 0,
    };
    Store::over(config, Arc::new(cluster.clone()), cluster.ends()).unwrap()
}

/// The folds of random events.
struct Fold {
    random: ChaCha8Rng,
    states: Vec<State>,
    taken_to: Vec<u64>,
}

impl Fold {
    fn new() -> Self {
        let shared = Arc::new(definition());
        let state = |partition| State::with_readers(shared.clone(), partition, &[Reader::History]);
        Self {
            random: ChaCha8Rng::seed_from_u64(7),
            states: (0..PARTITIONS).map(|of| state(of).unwrap()).collect(),
            taken_to: vec![0; PARTITIONS as usize],
        }
    }

    /// Folds events in, some of which come days after they occurred, so that counters fall to zero.
    fn feed(&mut self, events: usize) {
        for _ in 0..events {
            let user = format!("user-{}", self.random.random_range(0..20));
            let event = Event {
                event_id: format!("event-{}", self.random.random::<u64>()),
                kind: [Kind::Visit, Kind::Click, Kind::SignUp][self.random.random_range(0..3)]
                    as i32,
                occurred_at_ms: MONDAY_MS + self.random.random_range(0..4 * DAY_MS),
                campaign_id: ["spring", "가을/세일"][self.random.random_range(0..2)].to_owned(),
                activity_id: ["coupon", ""][self.random.random_range(0..2)].to_owned(),
                user_id: user.clone(),
                ..Event::default()
            };
            let partition = partition_of(user.as_bytes(), PARTITIONS) as usize;
            let state = &mut self.states[partition];
            let outcome = state.apply(Record {
                offset: state.next_offset(),
                appended_at: MONDAY_MS + 5 * DAY_MS,
                key: user.as_bytes(),
                value: &event.encode_to_vec(),
                headers: Headers::default(),
            });
            assert_eq!(outcome, Outcome::Applied);
        }
    }

    /// What changed in a partition since the last call.
    fn change(&mut self, partition: u32) -> Change {
        let place = partition as usize;
        let to = self.states[place].next_offset();
        Change {
            base: std::mem::replace(&mut self.taken_to[place], to),
            rows: self.states[place].take_rows(Reader::History),
            ..self.whole(partition)
        }
    }

    fn whole(&self, partition: u32) -> Change {
        let state = &self.states[partition as usize];
        Change {
            partition,
            base: 0,
            to: state.next_offset(),
            log_time: state.log_time(),
            rows: state.all_rows(),
        }
    }

    /// The documents that the fold gives.
    fn documents(&self, partition: u32) -> Documents {
        let calendar = Calendar::new(&definition()).unwrap();
        documents_of(partition, &self.whole(partition).rows, &calendar).unwrap()
    }

    fn cells(&self) -> NamedCells {
        let mut cells = NamedCells::new();
        let rows = self.states.iter().flat_map(State::all_rows);
        for frozen in rows.filter(|frozen| frozen.key.facet != Facet::Minutes) {
            add_row(&mut cells, &frozen.key, &frozen.row.unwrap());
        }
        cells
    }

    fn assert_is_held(&self, cluster: &Cluster) {
        for partition in 0..PARTITIONS {
            let (expected, held) = (self.documents(partition), cluster.documents(partition));
            assert!(expected.len() > 50, "{}", expected.len());
            assert_eq!(differences(&expected, &held), [""; 0]);
            assert_eq!(cluster.seen_documents(partition), held);
            let to = self.states[partition as usize].next_offset();
            assert_eq!(cluster.checkpoint(partition), Some(to));
            assert_eq!(cluster.seen_checkpoint(partition), Some(to));
        }
        assert_eq!(cluster.went_back(), [""; 0]);
    }
}

/// What a call to a store ends with, while each request meets the fate that is chosen for it.
async fn with<T>(
    cluster: &Cluster,
    mut fate: impl FnMut(&str) -> Fate,
    call: impl Future<Output = T>,
) -> T {
    let mut call = std::pin::pin!(call);
    loop {
        tokio::select! {
            biased;
            done = &mut call => return done,
            request = cluster.arrived() => {
                let fate = fate(&cluster.what(request));
                cluster.deliver(request, fate);
            }
        }
    }
}

/// Without faults.
async fn quietly<T>(cluster: &Cluster, call: impl Future<Output = T>) -> T {
    with(cluster, |_| Fate::Good, call).await
}

/// Fates for the bulks, one after the other; everything else is good, and so are the bulks after them.
fn bulks<const N: usize>(fates: [Fate; N]) -> impl FnMut(&str) -> Fate {
    let mut fates = fates.into_iter();
    move |what| {
        let fate = what.contains("_bulk").then(|| fates.next());
        fate.flatten().unwrap_or(Fate::Good)
    }
}

async fn fill_all(cluster: &Cluster, store: &Store, fold: &mut Fold) {
    for partition in 0..PARTITIONS {
        let change = fold.change(partition);
        let stored = quietly(cluster, store.apply(&change)).await.unwrap();
        assert_eq!(stored, Stored::At(change.to));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_change_makes_the_index_and_others_follow_until_the_dump_is_the_fold() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    for events in [200, 1, 300] {
        fold.feed(events);
        for partition in 0..PARTITIONS {
            let change = fold.change(partition);
            if change.base < change.to {
                let stored = quietly(&cluster, store.apply(&change)).await.unwrap();
                assert_eq!(stored, Stored::At(change.to));
            }
        }
        fold.assert_is_held(&cluster);
    }
    let (as_of, cells) = quietly(&cluster, store.dump()).await.unwrap();
    let stored: Vec<u64> = as_of.partitions.iter().map(|stamp| stamp.offset).collect();
    assert_eq!(stored, fold.taken_to);
    let counts = |cells: NamedCells| -> NamedCells {
        let all = cells.into_iter();
        all.filter(|(_, value)| *value != 0).collect()
    };
    let expected = counts(fold.cells());
    assert!(expected.len() > 500 && cluster.is_empty());
    assert_eq!(counts(cells), expected);
}

#[tokio::test(start_paused = true)]
async fn of_a_bulk_that_is_taken_in_part_only_the_rest_is_sent_again() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    fold.feed(300);
    fill_all(&cluster, &store, &mut fold).await;
    fold.feed(100);
    let mut sizes = Vec::new();
    for partition in 0..PARTITIONS {
        let change = fold.change(partition);
        let mut fate = bulks([Fate::Partial(0b10_1100), Fate::Partial(1)]);
        let seen = |what: &str| {
            let size = what.split(" of ").nth(1);
            sizes.extend(size.map(|size| size.parse::<u32>().unwrap()));
            fate(what)
        };
        let stored = with(&cluster, seen, store.apply(&change)).await.unwrap();
        assert_eq!(stored, Stored::At(change.to));
    }
    // Three of each 64 documents, then one of those, then the checkpoint.
    let again =
        |sent: u32| sent / 64 * 3 + [0, 0, 0, 1, 2, 2].get(sent as usize % 64).unwrap_or(&3);
    assert_eq!(sizes.len(), 2 * 4, "{sizes:?}");
    for sizes in sizes.chunks(4) {
        assert_eq!(sizes, [sizes[0], again(sizes[0]), 1, 1]);
    }
    fold.assert_is_held(&cluster);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_doubled_or_refused_is_sent_until_it_is_there() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    for fate in [
        Fate::LoseRequest,
        Fate::LoseReply,
        Fate::Twice,
        Fate::Throttle,
        Fate::Unavailable,
        Fate::Slow,
    ] {
        fold.feed(100);
        for partition in 0..PARTITIONS {
            let change = fold.change(partition);
            let fates = bulks([fate, fate]);
            let stored = with(&cluster, fates, store.apply(&change)).await.unwrap();
            assert_eq!(stored, Stored::At(change.to), "{fate:?}");
        }
        fold.assert_is_held(&cluster);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_delivers_ends_in_its_time_and_the_change_is_sent_again() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    fold.feed(300);
    fill_all(&cluster, &store, &mut fold).await;
    fold.feed(10);
    let change = fold.change(0);
    let error = store.apply(&change).await.unwrap_err();
    assert!(matches!(error, Error::Transient { .. }), "{error}");
    assert_eq!((cluster.len(), cluster.is_awaited(0)), (1, false));
    quietly(&cluster, store.apply(&change)).await.unwrap();
    let change = fold.change(1);
    let refused = |what: &str| {
        if what.contains("_refresh") {
            Fate::Partial(1)
        } else {
            Fate::Good
        }
    };
    let error = with(&cluster, refused, store.apply(&change)).await;
    assert!(matches!(error, Err(Error::Transient { .. })), "{error:?}");
    assert_ne!(cluster.checkpoint(1), Some(change.to));
    quietly(&cluster, store.apply(&change)).await.unwrap();
    fold.assert_is_held(&cluster);
}

#[tokio::test(start_paused = true)]
async fn searches_see_a_checkpoint_only_with_the_documents_before_it() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    fold.feed(300);
    fill_all(&cluster, &store, &mut fold).await;
    let before = fold.documents(0);
    fold.feed(100);
    let (after, change) = (fold.documents(0), fold.change(0));
    let mut moments = BTreeSet::new();
    let look = |_: &str| {
        let (seen, held) = (cluster.seen_documents(0), cluster.documents(0));
        let behind_seen = !behind(&after, &seen).is_empty();
        moments.insert((behind_seen, !behind(&after, &held).is_empty()));
        assert_eq!(behind(&before, &seen), [""; 0]);
        assert!(cluster.seen_checkpoint(0) == Some(change.base) || !behind_seen);
        Fate::Good
    };
    with(&cluster, look, store.apply(&change)).await.unwrap();
    // Nothing written, written, refreshed.
    let all = [(false, false), (true, false), (true, true)];
    assert_eq!(moments, BTreeSet::from(all));
}

#[tokio::test(start_paused = true)]
async fn an_index_deleted_in_mid_change_is_made_and_filled_anew() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let store = store(&cluster);
    fold.feed(300);
    fill_all(&cluster, &store, &mut fold).await;
    for step in ["_bulk", "_refresh"] {
        fold.feed(100);
        let change = fold.change(0);
        let delete = |what: &str| {
            if what.contains(step) {
                cluster.delete_index();
            }
            Fate::Good
        };
        let error = with(&cluster, delete, store.apply(&change)).await;
        assert!(matches!(error, Err(Error::Transient { .. })), "{error:?}");
        assert_eq!(cluster.checkpoint(0), None);
        let stored = quietly(&cluster, store.apply(&change)).await.unwrap();
        assert_eq!(stored, Stored::Missing);
        for partition in 0..PARTITIONS {
            let whole = fold.whole(partition);
            let stored = quietly(&cluster, store.fill(&whole)).await.unwrap();
            assert_eq!(stored, Stored::At(whole.to));
        }
        fold.assert_is_held(&cluster);
    }
}

/// Another owner's fill of another partition makes the index while a change is between its bulk and its checkpoint.
#[tokio::test(start_paused = true)]
async fn a_change_on_its_way_to_an_index_that_is_made_anew_claims_nothing_there() {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let (first, other) = (store(&cluster), store(&cluster));
    fold.feed(300);
    fill_all(&cluster, &first, &mut fold).await;
    fold.feed(100);
    let (change, others) = (fold.change(0), fold.whole(1));
    let mut slow = std::pin::pin!(first.apply(&change));
    // Until its documents are there, and its refresh is on its way.
    let until_refresh = async {
        loop {
            let request = cluster.arrived().await;
            if cluster.what(request).contains("_refresh") {
                return;
            }
            cluster.deliver(request, Fate::Good);
        }
    };
    tokio::select! {
        biased;
        ended = &mut slow => panic!("it ended: {ended:?}"),
        () = until_refresh => {}
    }
    cluster.deliver(0, Fate::Good);
    cluster.delete_index();
    quietly(&cluster, other.fill(&others)).await.unwrap();
    let error = quietly(&cluster, slow).await;
    assert!(matches!(error, Err(Error::Transient { .. })), "{error:?}");
    assert_eq!(cluster.checkpoint(0), None);
    let whole = fold.whole(0);
    quietly(&cluster, first.fill(&whole)).await.unwrap();
    fold.assert_is_held(&cluster);
}

/// A change whose first bulk is still on its way while the change, and the next one, are written.
async fn delayed(cluster: &Cluster) -> Fold {
    let mut fold = Fold::new();
    let store = store(cluster);
    fold.feed(300);
    fill_all(cluster, &store, &mut fold).await;
    for fate in [Fate::Slow, Fate::Good] {
        fold.feed(100);
        for partition in 0..PARTITIONS {
            let change = fold.change(partition);
            let fates = bulks([fate]);
            with(cluster, fates, store.apply(&change)).await.unwrap();
        }
    }
    fold.assert_is_held(cluster);
    assert_eq!(cluster.len(), PARTITIONS as usize);
    for _ in 0..PARTITIONS {
        cluster.deliver(0, Fate::Good);
    }
    fold
}

#[tokio::test(start_paused = true)]
async fn a_bulk_that_comes_late_changes_nothing() {
    let cluster = Cluster::new();
    delayed(&cluster).await.assert_is_held(&cluster);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_older_documents_is_found_out() {
    let cluster = Cluster::careless();
    let fold = delayed(&cluster).await;
    let went_back = cluster.went_back();
    assert!(!went_back.is_empty());
    assert!(
        went_back[0].contains("went back from version"),
        "{went_back:?}"
    );
    assert_ne!(
        differences(&fold.documents(0), &cluster.documents(0)),
        [""; 0]
    );
    assert_ne!(behind(&fold.documents(0), &cluster.documents(0)), [""; 0]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "does not know GET /_cluster/health")]
async fn a_request_that_it_does_not_know_ends_the_run() {
    let cluster = Cluster::new();
    quietly(&cluster, store(&cluster).findings()).await.unwrap();
}

/// As an owner does it: one that fails comes again with the next round.
async fn bring_up(store: &Store, whole: &Change) {
    if let Ok(Stored::Missing) = store.apply(whole).await {
        store.fill(whole).await.ok();
    }
}

/// Two owners of each partition with random fates; what was delivered, in order.
async fn run(seed: u64) -> Vec<String> {
    let (cluster, mut fold) = (Cluster::new(), Fold::new());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let owners = [store(&cluster), store(&cluster)];
    let mut trace = Vec::new();
    for round in 0..20 {
        fold.feed(30);
        let whole: Vec<Change> = (0..PARTITIONS).map(|of| fold.whole(of)).collect();
        let owned =
            |owner: usize, partition: u32| bring_up(&owners[owner], &whole[partition as usize]);
        let calls = async { tokio::join!(owned(0, 0), owned(1, 0), owned(0, 1), owned(1, 1)) };
        let chaos = |what: &str| {
            let fate = match random.random_range(0..20) {
                0 => Fate::LoseRequest,
                1 => Fate::LoseReply,
                2 => Fate::Twice,
                3 => Fate::Throttle,
                4 => Fate::Unavailable,
                5 => Fate::Partial(random.random()),
                6 => Fate::Slow,
                _ => Fate::Good,
            };
            trace.push(format!("{round} {what}: {fate:?}"));
            fate
        };
        with(&cluster, chaos, calls).await;
        while !cluster.is_empty() && round % 4 == 3 {
            trace.push(format!("late {}", cluster.what(0)));
            cluster.deliver(0, Fate::Good);
        }
        if round == 12 {
            cluster.delete_index();
        }
    }
    for partition in 0..PARTITIONS {
        let whole = fold.whole(partition);
        quietly(&cluster, owners[1].fill(&whole)).await.unwrap();
    }
    fold.assert_is_held(&cluster);
    trace
}

#[tokio::test(start_paused = true)]
async fn under_random_faults_the_store_ends_at_the_fold_and_a_seed_is_the_same_run_again() {
    let mut runs = BTreeSet::new();
    for seed in 0..8 {
        let trace = run(seed).await;
        assert_eq!(trace, run(seed).await, "seed {seed}");
        assert!(trace.len() > 200, "{}", trace.len());
        runs.insert(trace);
    }
    assert_eq!(runs.len(), 8);
}
