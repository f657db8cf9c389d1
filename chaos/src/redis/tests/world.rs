//! A store, its network, and a log whose every image can be folded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::aggregate::Reader;
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::row::FrozenRow;
use pipeline::state::State;
use prost::Message;
use schemas::v1::{Event, Kind};
use views::redis::{Keys, Limits, Store};
use views::{Change, Sink, Stored};

use crate::redis::{Delivered, Fate, Image, Network, Servers, holds, read_image};

/// 2026-10-20T00:00:00Z.
const FIRST_MS: i64 = 1_792_454_400_000;
const STEP_MS: i64 = 20 * 60_000;
/// How long a command is under way.
const TRAVEL: Duration = Duration::from_millis(1);
const KINDS: [Kind; 4] = [Kind::Visit, Kind::Click, Kind::Purchase, Kind::SignUp];
/// The client of the world's store.
pub const CLIENT: u32 = 1;

/// So small that a fill takes several chunks.
pub const SMALL: Limits = Limits {
    rows_per_chunk: 7,
    bytes_per_chunk: 1_000,
    rows_per_change: 50_000,
    bytes_per_change: 16 << 20,
};

pub struct World {
    pub definition: Definition,
    pub keys: Keys,
    pub network: Network,
    pub store: Store,
    /// What becomes of the next commands; all further ones arrive and are answered.
    pub fates: Arc<Mutex<VecDeque<Fate>>>,
    /// What became of all.
    pub delivered: Arc<Mutex<Vec<Delivered>>>,
}

impl World {
    /// Starts to deliver commands, so that it needs a runtime.
    pub fn new(replicas: usize) -> Self {
        let definition = Definition {
            partitions: 1,
            hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            ..Definition::default()
        };
        let network = Network::new(Servers::new(replicas));
        let world = Self {
            keys: Keys::new(&definition, 0),
            store: store(&network, CLIENT, &definition),
            definition,
            network,
            fates: Arc::default(),
            delivered: Arc::default(),
        };
        let (network, fates) = (world.network.clone(), world.fates.clone());
        let delivered = world.delivered.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TRAVEL).await;
                let mut place = 0;
                for _ in 0..network.len() {
                    let fate = fates.lock().unwrap().pop_front();
                    let fate = fate.unwrap_or(Fate::Good);
                    delivered.lock().unwrap().push(network.deliver(place, fate));
                    // Those stay in the queue.
                    place += usize::from(matches!(fate, Fate::Twice | Fate::Late));
                }
            }
        });
        world
    }

    pub fn fates(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// The names of what was delivered since the last time.
    pub fn names(&self) -> Vec<String> {
        let delivered = std::mem::take(&mut *self.delivered.lock().unwrap());
        delivered.into_iter().map(|command| command.name).collect()
    }

    /// Until everything under way has arrived.
    pub async fn settle(&self) {
        tokio::time::sleep(100 * TRAVEL).await;
        assert!(self.network.is_empty());
    }

    /// The first change of a partition, after which the store knows the image.
    pub async fn begin(&self, to: u64) {
        assert_eq!(self.apply(0, to).await, Stored::At(to));
        assert_eq!(self.store.stored(0).await.unwrap(), Stored::At(to));
        self.settle().await;
        self.names();
    }

    pub async fn apply(&self, base: u64, to: u64) -> Stored {
        self.store.apply(&self.change(base, to)).await.unwrap()
    }

    /// The rows changed from `base` on.
    pub fn change(&self, base: u64, to: u64) -> Change {
        let mut state = self.state(to);
        let rows = match base {
            0 => state.take_all_rows(Reader::Hot),
            _ => state.take_rows_since(Reader::Hot, base).unwrap(),
        };
        Change {
            partition: 0,
            base,
            to,
            log_time: state.log_time(),
            rows,
        }
    }

    /// The rows of a prefix.
    pub fn rows(&self, to: u64) -> Vec<FrozenRow> {
        self.state(to).take_all_rows(Reader::Hot)
    }

    pub fn state(&self, to: u64) -> State {
        let definition = Arc::new(self.definition.clone());
        let mut state = State::with_readers(definition, 0, &[Reader::Hot]).unwrap();
        fold(&mut state, to);
        assert_eq!(state.tally().applied, to, "a sound log");
        state
    }

    /// What a server holds.
    pub fn held(&self, server: usize) -> Option<(u64, Image)> {
        let keys = &self.keys;
        self.network
            .servers(|servers| read_image(servers.data(server), keys))
    }

    /// The primary holds the fold of this prefix, and nothing else.
    #[track_caller]
    pub fn assert_holds(&self, to: u64) {
        let primary = self.network.servers(|servers| servers.primary());
        self.assert_server_holds(primary, to);
    }

    #[track_caller]
    pub fn assert_server_holds(&self, server: usize, to: u64) {
        let (stored, image) = self.held(server).unwrap();
        assert_eq!(stored, to);
        assert!(!image.is_empty() || to == 0);
        let expected = views::redis::image(&self.rows(to));
        assert_eq!(image, expected);
        self.network.servers(|servers| {
            let data = servers.data(server);
            assert!(holds(data, &self.keys, &expected));
            assert!(!holds(data, &self.keys, &Image::new()) || expected.is_empty());
        });
    }
}

/// A store whose images are named by numbers.
pub fn store(network: &Network, client: u32, definition: &Definition) -> Store {
    let next = AtomicU64::new(0);
    let names = move || format!("{client}-{}", next.fetch_add(1, Ordering::Relaxed));
    Store::over(network.client(client), definition, names).unwrap()
}

/// Folds on to an offset.
pub fn fold(state: &mut State, to: u64) {
    for offset in state.next_offset()..to {
        let event = event(offset);
        state.apply(Record {
            offset,
            appended_at: event.occurred_at_ms + 1,
            key: event.user_id.as_bytes(),
            value: &event.encode_to_vec(),
            headers: Headers(&[]),
        });
    }
}

fn event(offset: u64) -> Event {
    let place = offset as usize;
    Event {
        event_id: format!("id-{offset}"),
        user_id: format!("user-{}", offset % 5),
        kind: KINDS[place % 4] as i32,
        occurred_at_ms: FIRST_MS + offset as i64 * STEP_MS,
        campaign_id: ["spring", "가을"][place % 2].to_owned(),
        activity_id: ["coupon", "raffle", "a:b"][place % 3].to_owned(),
        ..Event::default()
    }
}
