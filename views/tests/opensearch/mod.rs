//! What the tests of OpenSearch share: the server's address, a prefix of one's own, real rows.

pub mod gate;

use std::collections::BTreeMap;
use std::sync::Arc;

use opensearch::http::headers::HeaderMap;
use opensearch::http::transport::Transport;
use opensearch::http::{Method, request::JsonBody};
use pipeline::aggregate::Reader;
use pipeline::calendar::Calendar;
use pipeline::cell::Kind;
use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::row::{Facet, FrozenRow, NamedCells, add_row};
use pipeline::state::{Outcome, State};
use prost::Message;
use schemas::partition::partition_of;
use schemas::v1;
use serde_json::{Value, json};
use views::collect::Selection;
use views::opensearch::{Access, Config, Store};
use views::{Answer, AsOf, AsOfKind, Change, Question, Stamp};

/// 2025-11-17T00:00:00Z, a Monday.
pub const MONDAY: i64 = 1_763_337_600;
/// Its days since 1970-01-01.
pub const MONDAY_DAY: u16 = 20_409;

const HOUR_MS: i64 = 3_600_000;
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
];

/// The addresses of its nodes, where several are given with commas.
pub fn urls() -> Vec<String> {
    let given = std::env::var("FOOTFALL_TEST_OPENSEARCH").expect(
        "set FOOTFALL_TEST_OPENSEARCH to a server's address, for example http://127.0.0.1:9200; \
         `deploy/up.sh opensearch` starts one",
    );
    given.split(',').map(str::to_owned).collect()
}

/// The first node's address.
pub fn url() -> String {
    urls().swap_remove(0)
}

/// A configuration with an index of its own.
pub fn config(partitions: u32) -> Config {
    let definition = Definition {
        hash_key: "000102030405060708090a0b0c0d0e0f".to_owned(),
        partitions,
        ..Definition::default()
    };
    Config {
        urls: urls(),
        access: Access::default(),
        prefix: format!("test-{}", uuid::Uuid::new_v4().simple()),
        definition,
        shards: 1,
        // One where another node can hold it.
        replicas: u32::from(urls().len() > 1),
        documents_per_second: 0,
    }
}

/// A store, and the server behind it.
pub async fn connect(config: &Config) -> (Store, Server) {
    let store = Store::connect(config.clone())
        .await
        .expect("OpenSearch takes a new index");
    let server = Server::new(store.index());
    (store, server)
}

/// The server itself, past the store, and the index under test.
pub struct Server {
    transport: Transport,
    index: String,
}

impl Server {
    pub fn new(index: &str) -> Self {
        Self::at(&url(), index)
    }

    /// The one at this address.
    pub fn at(url: &str, index: &str) -> Self {
        let transport = Transport::single_node(url).expect("the address can be read");
        Self {
            transport,
            index: index.to_owned(),
        }
    }

    /// Sends a request for the index: `path` begins behind its name.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let path = format!("/{}{path}", self.index);
        let body = body.map(JsonBody::new);
        let sent = self
            .transport
            .send(method, &path, HeaderMap::new(), None::<&()>, body, None);
        let text = sent
            .await
            .expect("the server answers")
            .text()
            .await
            .expect("with a body");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// How many searches each shard has run, over all of them.
    pub async fn searches(&self) -> u64 {
        let stats = self.send(Method::Get, "/_stats/search", None).await;
        stats["_all"]["total"]["search"]["query_total"]
            .as_u64()
            .expect("search statistics")
    }

    /// Whether the index is there.
    pub async fn exists(&self) -> bool {
        self.send(Method::Get, "", None).await["status"] != 404
    }

    /// Allows or forbids writing to the index.
    pub async fn block_writes(&self, block: bool) {
        let body = json!({"index.blocks.write": block});
        let done = self.send(Method::Put, "/_settings", Some(body)).await;
        assert_eq!(done["acknowledged"], true, "{done}");
    }

    /// Deletes the index.
    pub async fn delete(&self) {
        let done = self.send(Method::Delete, "", None).await;
        assert_eq!(done["acknowledged"], true, "{done}");
    }
}

/// The fold of every partition over made-up events.
pub struct Fold {
    calendar: Calendar,
    states: Vec<State>,
    taken_to: Vec<u64>,
    dice: u64,
}

impl Fold {
    pub fn new(definition: &Definition) -> Self {
        let shared = Arc::new(definition.clone());
        let states: Vec<State> = (0..definition.partitions)
            .map(|partition| State::new(shared.clone(), partition).expect("a good definition"))
            .collect();
        Self {
            calendar: Calendar::new(definition).expect("a good time zone"),
            taken_to: vec![0; states.len()],
            states,
            dice: 42,
        }
    }

    /// Folds events of eight days in. Some come days after they occurred, so that people turn
    /// from new to returning and cells fall to zero.
    pub fn feed(&mut self, events: usize) {
        for _ in 0..events {
            let event = self.event();
            let partition = partition_of(event.user_id.as_bytes(), self.states.len() as u32);
            let state = &mut self.states[partition as usize];
            let outcome = state.apply(Record {
                offset: state.next_offset(),
                appended_at: MONDAY * 1000 + 9 * 24 * HOUR_MS,
                key: event.user_id.as_bytes(),
                value: &event.encode_to_vec(),
                headers: Headers::default(),
            });
            assert_eq!(outcome, Outcome::Applied, "{event:?}");
        }
    }

    fn event(&mut self) -> v1::Event {
        let kind = [
            Kind::Visit,
            Kind::Visit,
            Kind::Click,
            Kind::Purchase,
            Kind::SignUp,
        ][self.roll(5)];
        let amount = (kind == Kind::Purchase).then(|| v1::Amount {
            minor_units: self.roll(100_000) as i64,
            currency: ["KRW", "USD"][self.roll(2)].to_owned(),
        });
        v1::Event {
            event_id: format!("e{}", self.roll(usize::MAX)),
            user_id: format!("u{}", self.roll(60)),
            kind: kind.to_wire() as i32,
            occurred_at_ms: MONDAY * 1000 + self.roll(8 * 24 * HOUR_MS as usize) as i64,
            campaign_id: ["spring", "가을/세일", "a", ""][self.roll(4)].to_owned(),
            activity_id: ["quiz", "b/quiz", "", "쿠폰"][self.roll(4)].to_owned(),
            user_agent: AGENTS[self.roll(4)].to_owned(),
            amount,
            ..v1::Event::default()
        }
    }

    /// splitmix64: the same events in every run.
    fn roll(&mut self, sides: usize) -> usize {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % sides
    }

    /// What changed in each partition since the last call.
    pub fn changes(&mut self) -> Vec<Change> {
        let states = self.states.iter_mut().zip(&mut self.taken_to);
        states
            .map(|(state, taken_to)| {
                let base = std::mem::replace(taken_to, state.next_offset());
                take(state, base, |state| state.take_rows(Reader::History))
            })
            .collect()
    }

    /// All there is in each partition.
    pub fn everything(&mut self) -> Vec<Change> {
        let states = self.states.iter_mut();
        states
            .map(|state| take(state, 0, |state| state.take_all_rows(Reader::History)))
            .collect()
    }

    fn rows(&self) -> impl Iterator<Item = FrozenRow> {
        self.states.iter().flat_map(State::all_rows)
    }

    /// The answer that the rows give.
    pub fn answer(&self, question: &Question) -> Answer {
        let stamps = self.states.iter().map(|state| Stamp {
            partition: state.partition(),
            offset: state.next_offset(),
            log_time: state.log_time(),
        });
        let as_of = AsOf {
            kind: AsOfKind::AtLeast,
            partitions: stamps.collect(),
        };
        let rows = self
            .rows()
            .filter_map(|frozen| Some((frozen.key, frozen.row?)));
        Selection::new(question, &self.calendar).collect(as_of, rows)
    }

    /// The rows' cells by name, but for minutes and zeroes.
    pub fn cells(&self) -> NamedCells {
        let mut cells = NamedCells::new();
        for frozen in self.rows() {
            if let (Some(row), true) = (&frozen.row, frozen.key.facet != Facet::Minutes) {
                add_row(&mut cells, &frozen.key, row);
            }
        }
        without_zeroes(cells)
    }
}

fn take(state: &mut State, base: u64, rows: impl Fn(&mut State) -> Vec<FrozenRow>) -> Change {
    Change {
        partition: state.partition(),
        base,
        to: state.next_offset(),
        log_time: state.log_time(),
        rows: rows(state),
    }
}

/// A partition before its first record.
pub fn empty(partition: u32) -> Change {
    Change {
        partition,
        base: 0,
        to: 0,
        log_time: 0,
        rows: Vec::new(),
    }
}

/// Cells that count.
pub fn without_zeroes(cells: NamedCells) -> NamedCells {
    cells
        .into_iter()
        .filter(|(_, value)| *value != 0)
        .collect::<BTreeMap<_, _>>()
}
