//! One message of every shape, and its released fields as text: what the golden files must say.
// Fields that are added later are left at their default here.
#![allow(clippy::needless_update)]

use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{
    ActivityDefined, Amount, CampaignRecord, ClientHints, CountsRow, EntryCancelled, EntryRecord,
    EntryRequested, Event, Kind, MinutesRow, PeopleRow,
};

/// A message and how to read one of its type.
pub struct Shape {
    /// The golden files' name, without ending.
    pub name: &'static str,
    /// The message as this version encodes it.
    pub encoded: Vec<u8>,
    /// Its fields as text.
    pub text: String,
    /// Bytes to text, and to bytes again.
    pub read: fn(&[u8]) -> (String, Vec<u8>),
}

/// A message of every shape.
pub fn all() -> Vec<Shape> {
    vec![
        shape("event-visit", &visit()),
        shape(
            "event-click",
            &Event {
                client_hints: None,
                ..of_kind(Kind::Click)
            },
        ),
        shape("event-enter", &of_kind(Kind::Enter)),
        shape("event-purchase", &purchase()),
        shape("event-sign-up", &sign_up()),
        shape("event-minimal", &minimal()),
        shape(
            "event-later-kind",
            &Event {
                kind: 99,
                ..visit()
            },
        ),
        shape("counts-row", &counts_row()),
        shape("people-row", &people_row()),
        shape("minutes-row", &minutes_row()),
        shape("entry-defined", &entry(Act::Defined(defined()))),
        shape(
            "entry-defined-minimal",
            &entry(Act::Defined(ActivityDefined {
                activity_id: "a".to_owned(),
                opens_at_ms: 1_104_537_600_000,
                ..ActivityDefined::default()
            })),
        ),
        shape("entry-requested", &entry(Act::Requested(requested()))),
        shape(
            "entry-requested-minimal",
            &entry(Act::Requested(EntryRequested {
                activity_id: "a".to_owned(),
                user_id: "u".to_owned(),
                request_id: "r".to_owned(),
                ..EntryRequested::default()
            })),
        ),
        shape("entry-cancelled", &entry(Act::Cancelled(cancelled()))),
        shape("campaign-record", &campaign_record()),
    ]
}

fn shape<M: Texted>(name: &'static str, message: &M) -> Shape {
    Shape {
        name,
        encoded: message.encode_to_vec(),
        text: message.text(),
        read: read::<M>,
    }
}

fn read<M: Texted>(bytes: &[u8]) -> (String, Vec<u8>) {
    let message =
        M::decode(bytes).unwrap_or_else(|error| panic!("released bytes no longer decode: {error}"));
    (message.text(), message.encode_to_vec())
}

/// A visit with every field a visit may have.
pub fn visit() -> Event {
    of_kind(Kind::Visit)
}

fn of_kind(kind: Kind) -> Event {
    Event {
        event_id: "01JD9Z6Q3N-7".to_owned(),
        user_id: "user-민지".to_owned(),
        kind: kind.into(),
        occurred_at_ms: 1_795_305_600_123,
        campaign_id: "봄맞이-할인".to_owned(),
        activity_id: "lucky-draw".to_owned(),
        user_agent:
            "Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/150.0.0.0 Mobile Safari/537.36"
                .to_owned(),
        client_hints: Some(ClientHints {
            mobile: Some(true),
            platform: "Android".to_owned(),
            model: "SM-S938N".to_owned(),
            ..ClientHints::default()
        }),
        ..Event::default()
    }
}

fn purchase() -> Event {
    Event {
        amount: Some(Amount {
            minor_units: 45_900,
            currency: "KRW".to_owned(),
            ..Amount::default()
        }),
        // False and absent are not the same.
        client_hints: Some(ClientHints {
            mobile: Some(false),
            ..ClientHints::default()
        }),
        ..of_kind(Kind::Purchase)
    }
}

fn sign_up() -> Event {
    Event {
        signed_up_at_ms: Some(1_795_305_500_000),
        ..of_kind(Kind::SignUp)
    }
}

fn minimal() -> Event {
    Event {
        event_id: "e".to_owned(),
        user_id: "u".to_owned(),
        kind: Kind::Visit.into(),
        occurred_at_ms: 1_104_537_600_000,
        ..Event::default()
    }
}

fn counts_row() -> CountsRow {
    CountsRow {
        cells: vec![1_000, 1_001, 4_231],
        counts: vec![1, 300, u64::MAX],
        amount_cells: vec![4_231, 4_231],
        amount_currencies: vec![7_217, 13_991],
        amount_minor_units: vec![45_900, -1],
        browser_cells: vec![107],
        browser_counts: vec![301],
        brand_cells: vec![103, 115],
        brand_counts: vec![300, 1],
        ..CountsRow::default()
    }
}

fn people_row() -> PeopleRow {
    PeopleRow {
        users: 300,
        new_users: 100,
        returning_users: 200,
        by_device: vec![200, 0, 110, 1],
        by_kind: vec![300, 150, 40, 7, 12],
        reached: vec![300, 150, 40, 7],
        ..PeopleRow::default()
    }
}

fn minutes_row() -> MinutesRow {
    MinutesRow {
        cells: vec![1, 2, 594],
        counts: vec![128, 16_384, 1],
        ..MinutesRow::default()
    }
}

fn entry(act: Act) -> EntryRecord {
    EntryRecord {
        act: Some(act),
        ..EntryRecord::default()
    }
}

fn defined() -> ActivityDefined {
    ActivityDefined {
        activity_id: "lucky-draw".to_owned(),
        campaign_id: "봄맞이-할인".to_owned(),
        name: "선착순 쿠폰".to_owned(),
        capacity: 10_000,
        opens_at_ms: 1_795_305_600_000,
        closes_at_ms: Some(1_795_392_000_000),
        ..ActivityDefined::default()
    }
}

fn requested() -> EntryRequested {
    let visit = visit();
    EntryRequested {
        activity_id: visit.activity_id,
        user_id: visit.user_id,
        request_id: "0b9c2c8e-53a1-4f7f-9d11-2f6f3c1a7e55".to_owned(),
        user_agent: visit.user_agent,
        client_hints: visit.client_hints,
        ..EntryRequested::default()
    }
}

fn cancelled() -> EntryCancelled {
    EntryCancelled {
        activity_id: "lucky-draw".to_owned(),
        user_id: "user-민지".to_owned(),
        rank: 301,
        ..EntryCancelled::default()
    }
}

fn campaign_record() -> CampaignRecord {
    CampaignRecord {
        campaign_id: "봄맞이-할인".to_owned(),
        name: "봄맞이 할인".to_owned(),
        ..CampaignRecord::default()
    }
}

/// A message that shows its released fields.
trait Texted: Message + Default {
    fn text(&self) -> String;
}

fn lines(fields: &[(&str, String)]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

fn mobile(hints: Option<&ClientHints>) -> String {
    format!("{:?}", hints.map(|hints| hints.mobile))
}

fn platform(hints: Option<&ClientHints>) -> String {
    format!("{:?}", hints.map(|hints| &hints.platform))
}

fn model(hints: Option<&ClientHints>) -> String {
    format!("{:?}", hints.map(|hints| &hints.model))
}

impl Texted for Event {
    fn text(&self) -> String {
        let hints = self.client_hints.as_ref();
        let amount = self.amount.as_ref();
        lines(&[
            ("event_id", self.event_id.clone()),
            ("user_id", self.user_id.clone()),
            ("kind", self.kind.to_string()),
            ("occurred_at_ms", self.occurred_at_ms.to_string()),
            ("campaign_id", self.campaign_id.clone()),
            ("activity_id", self.activity_id.clone()),
            ("user_agent", self.user_agent.clone()),
            ("client_hints.mobile", mobile(hints)),
            ("client_hints.platform", platform(hints)),
            ("client_hints.model", model(hints)),
            (
                "amount.minor_units",
                format!("{:?}", amount.map(|amount| amount.minor_units)),
            ),
            (
                "amount.currency",
                format!("{:?}", amount.map(|amount| &amount.currency)),
            ),
            ("signed_up_at_ms", format!("{:?}", self.signed_up_at_ms)),
        ])
    }
}

impl Texted for CountsRow {
    fn text(&self) -> String {
        lines(&[
            ("cells", format!("{:?}", self.cells)),
            ("counts", format!("{:?}", self.counts)),
            ("amount_cells", format!("{:?}", self.amount_cells)),
            ("amount_currencies", format!("{:?}", self.amount_currencies)),
            (
                "amount_minor_units",
                format!("{:?}", self.amount_minor_units),
            ),
            ("browser_cells", format!("{:?}", self.browser_cells)),
            ("browser_counts", format!("{:?}", self.browser_counts)),
            ("brand_cells", format!("{:?}", self.brand_cells)),
            ("brand_counts", format!("{:?}", self.brand_counts)),
        ])
    }
}

impl Texted for PeopleRow {
    fn text(&self) -> String {
        lines(&[
            ("users", self.users.to_string()),
            ("new_users", self.new_users.to_string()),
            ("returning_users", self.returning_users.to_string()),
            ("by_device", format!("{:?}", self.by_device)),
            ("by_kind", format!("{:?}", self.by_kind)),
            ("reached", format!("{:?}", self.reached)),
        ])
    }
}

impl Texted for MinutesRow {
    fn text(&self) -> String {
        lines(&[
            ("cells", format!("{:?}", self.cells)),
            ("counts", format!("{:?}", self.counts)),
        ])
    }
}

impl Texted for EntryRecord {
    fn text(&self) -> String {
        match &self.act {
            None => "act: None\n".to_owned(),
            Some(Act::Defined(act)) => lines(&[
                ("defined.activity_id", act.activity_id.clone()),
                ("defined.campaign_id", act.campaign_id.clone()),
                ("defined.name", act.name.clone()),
                ("defined.capacity", act.capacity.to_string()),
                ("defined.opens_at_ms", act.opens_at_ms.to_string()),
                ("defined.closes_at_ms", format!("{:?}", act.closes_at_ms)),
            ]),
            Some(Act::Requested(act)) => {
                let hints = act.client_hints.as_ref();
                lines(&[
                    ("requested.activity_id", act.activity_id.clone()),
                    ("requested.user_id", act.user_id.clone()),
                    ("requested.request_id", act.request_id.clone()),
                    ("requested.user_agent", act.user_agent.clone()),
                    ("requested.client_hints.mobile", mobile(hints)),
                    ("requested.client_hints.platform", platform(hints)),
                    ("requested.client_hints.model", model(hints)),
                ])
            }
            Some(Act::Cancelled(act)) => lines(&[
                ("cancelled.activity_id", act.activity_id.clone()),
                ("cancelled.user_id", act.user_id.clone()),
                ("cancelled.rank", act.rank.to_string()),
            ]),
        }
    }
}

impl Texted for CampaignRecord {
    fn text(&self) -> String {
        lines(&[
            ("campaign_id", self.campaign_id.clone()),
            ("name", self.name.clone()),
        ])
    }
}
