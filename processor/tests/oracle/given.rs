//! What the histories are written with: a log of one partition, and events that are sound unless said otherwise.

use pipeline::definition::Definition;
use pipeline::record::{Headers, Record};
use pipeline::rejection::Reason;
use processor::verify::{Judgement, Oracle, Tallies, View};
use prost::Message;
use schemas::headers;
use schemas::v1::{Amount, Event, Kind};

pub const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
pub const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
pub const GOOGLEBOT: &str =
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// Milliseconds since the epoch of an instant such as `2026-03-10T09:00:00+09:00`.
pub fn at(instant: &str) -> i64 {
    instant
        .parse::<jiff::Timestamp>()
        .expect("an instant")
        .as_millisecond()
}

/// A definition with one partition, so that every key is at home.
pub fn in_zone(time_zone: &str) -> Definition {
    Definition {
        time_zone: time_zone.to_owned(),
        partitions: 1,
        hash_key: "00112233445566778899aabbccddeeff".to_owned(),
        ..Definition::default()
    }
}

pub fn seoul() -> Definition {
    in_zone("Asia/Seoul")
}

/// A record to be appended.
#[derive(Clone)]
pub struct Sent {
    pub event: Event,
    pub appended_at: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

/// A visit of no campaign by a user without User-Agent; its id is made of all it says.
pub fn visit(user: &str, instant: &str) -> Sent {
    sent(Kind::Visit, user, instant)
}

pub fn sent(kind: Kind, user: &str, instant: &str) -> Sent {
    Sent {
        event: Event {
            event_id: format!("{}-{user}-{instant}", kind.as_str_name()),
            user_id: user.to_owned(),
            kind: kind as i32,
            occurred_at_ms: at(instant),
            ..Event::default()
        },
        appended_at: None,
        key: None,
        value: None,
        headers: Vec::new(),
    }
}

impl Sent {
    pub fn id(mut self, id: &str) -> Self {
        self.event.event_id = id.to_owned();
        self
    }

    pub fn to(mut self, campaign: &str, activity: &str) -> Self {
        self.event.campaign_id = campaign.to_owned();
        self.event.activity_id = activity.to_owned();
        self.event.event_id = format!("{}-{campaign}-{activity}", self.event.event_id);
        self
    }

    pub fn with(mut self, user_agent: &str) -> Self {
        self.event.user_agent = user_agent.to_owned();
        self
    }

    pub fn paid(mut self, minor_units: i64, currency: &str) -> Self {
        self.event.amount = Some(Amount {
            minor_units,
            currency: currency.to_owned(),
        });
        self
    }

    pub fn signed_up(mut self, instant: &str) -> Self {
        self.event.signed_up_at_ms = Some(at(instant));
        self
    }

    pub fn appended(mut self, instant: &str) -> Self {
        self.appended_at = Some(at(instant));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    pub fn source(self, name: &str, sequence: u64) -> Self {
        self.header(headers::SOURCE, name)
            .header(headers::SEQUENCE, sequence.to_string())
    }

    pub fn replay_of(self, coordinates: &str) -> Self {
        self.header(headers::REPLAY_OF, coordinates)
    }

    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(key.as_ref().to_vec());
        self
    }

    pub fn value(mut self, value: impl AsRef<[u8]>) -> Self {
        self.value = Some(value.as_ref().to_vec());
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Event)) -> Self {
        change(&mut self.event);
        self
    }
}

/// An oracle and the next offset of its partition.
pub struct Log {
    pub oracle: Oracle,
    offset: u64,
}

impl Log {
    pub fn new(definition: &Definition) -> Self {
        Self::of_partition(definition, 0)
    }

    pub fn of_partition(definition: &Definition, partition: u32) -> Self {
        Self {
            oracle: Oracle::new(definition, partition).expect("the definition is sound"),
            offset: 0,
        }
    }

    /// Appends a record: at the time it occurred, unless said otherwise.
    pub fn take(&mut self, sent: Sent) -> Judgement {
        let key = sent
            .key
            .unwrap_or_else(|| sent.event.user_id.clone().into_bytes());
        let value = sent.value.unwrap_or_else(|| sent.event.encode_to_vec());
        let mut packed = Vec::new();
        for (name, value) in &sent.headers {
            Headers::push(&mut packed, name, value);
        }
        let judgement = self
            .oracle
            .take(Record {
                offset: self.offset,
                appended_at: sent.appended_at.unwrap_or(sent.event.occurred_at_ms),
                key: &key,
                value: &value,
                headers: Headers(&packed),
            })
            .expect("the scratch database works");
        self.offset += 1;
        judgement
    }

    /// Appends records that all must apply.
    pub fn apply(&mut self, sent: impl IntoIterator<Item = Sent>) {
        for sent in sent {
            let id = sent.event.event_id.clone();
            assert_eq!(self.take(sent), Judgement::Applied, "{id}");
        }
    }

    pub fn view(&self) -> View {
        self.oracle.view().expect("the scratch database works")
    }

    pub fn hot_view(&self) -> View {
        self.oracle.hot_view().expect("the scratch database works")
    }

    pub fn tallies(&self) -> &Tallies {
        self.oracle.tallies()
    }

    /// The cells as lines `campaign activity period facet cell = value`, of those that contain `part`.
    pub fn lines(&self, part: &str) -> Vec<String> {
        let view = self.view();
        assert_eq!(view.limits_met, [], "no limit is met");
        view.cells
            .iter()
            .map(|(cell, value)| format!("{} = {value}", cell.to_string().replace('\t', " ")))
            .filter(|line| line.contains(part))
            .collect()
    }

    /// One cell, by its line without the value; 0 when there is none.
    pub fn cell(&self, line: &str) -> i64 {
        let view = self.view();
        view.cells
            .iter()
            .find(|(cell, _)| cell.to_string().replace('\t', " ") == line)
            .map_or(0, |(_, value)| *value)
    }
}

pub fn dead(reason: Reason) -> Judgement {
    Judgement::DeadLettered(reason)
}
