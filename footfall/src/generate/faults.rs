//! Records that must be refused: one for each thing that can be wrong with them, and the reason they must get.

use log::NewRecord;
use pipeline::decode::{MAX_ID, MAX_USER_AGENT, MAX_VALUE};
use pipeline::rejection::Reason;
use prost::Message;
use schemas::v1::{Amount, Event, Kind};

/// 2099-01-01T00:00:00Z, milliseconds.
const YEAR_2099_MS: i64 = 4_070_908_800_000;

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NoProtobuf,
    CutShort,
    Oversized,
    NoEventId,
    ControlCharacter,
    LongUserAgent,
    NoTime,
    SignedUpLater,
    Year1970,
    Year2099,
    LaterKind,
    NegativeAmount,
    NoCurrency,
    AmountOfAVisit,
    EnterWithoutSource,
    OthersKey,
    EmptyKey,
}

impl Fault {
    /// Every fault, in the order in which they are made.
    pub(super) const ALL: [Self; 17] = [
        Self::NoProtobuf,
        Self::LongUserAgent,
        Self::Year2099,
        Self::Year1970,
        Self::EmptyKey,
        Self::LaterKind,
        Self::NegativeAmount,
        Self::NoEventId,
        Self::NoTime,
        Self::OthersKey,
        Self::Oversized,
        Self::EnterWithoutSource,
        Self::CutShort,
        Self::ControlCharacter,
        Self::SignedUpLater,
        Self::NoCurrency,
        Self::AmountOfAVisit,
    ];

    /// The reason the record must be refused for.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::NoProtobuf | Self::CutShort => Reason::BadBytes,
            Self::Oversized => Reason::TooLarge,
            Self::NoEventId | Self::ControlCharacter => Reason::BadId,
            Self::LongUserAgent => Reason::BadUserAgent,
            Self::NoTime | Self::SignedUpLater => Reason::BadTime,
            Self::Year1970 => Reason::TooOld,
            Self::Year2099 => Reason::Future,
            Self::LaterKind => Reason::UnknownKind,
            Self::NegativeAmount | Self::NoCurrency | Self::AmountOfAVisit => Reason::BadAmount,
            Self::EnterWithoutSource => Reason::BadHeader,
            Self::OthersKey | Self::EmptyKey => Reason::Misrouted,
        }
    }

    /// The record of `event`, a good visit, with this fault.
    pub(super) fn record(self, event: &Event) -> NewRecord {
        let mut event = event.clone();
        let purchase = |minor_units, currency: &str| {
            Some(Amount {
                minor_units,
                currency: currency.to_owned(),
            })
        };
        let mut partition = None;
        let mut key = event.user_id.clone();
        match self {
            Self::NoProtobuf | Self::CutShort => {}
            Self::Oversized => event.user_agent = "x".repeat(MAX_VALUE + 1),
            Self::NoEventId => event.event_id.clear(),
            Self::ControlCharacter => event.campaign_id = "spring\u{0}sale".to_owned(),
            Self::LongUserAgent => event.user_agent = "x".repeat(MAX_USER_AGENT + 1),
            Self::NoTime => event.occurred_at_ms = 0,
            Self::SignedUpLater => {
                event.set_kind(Kind::SignUp);
                event.signed_up_at_ms = Some(event.occurred_at_ms + 1);
            }
            Self::Year1970 => event.occurred_at_ms = 1,
            Self::Year2099 => event.occurred_at_ms = YEAR_2099_MS,
            Self::LaterKind => event.kind = 99,
            Self::NegativeAmount | Self::NoCurrency => {
                event.set_kind(Kind::Purchase);
                let currency = if self == Self::NoCurrency {
                    "won"
                } else {
                    "KRW"
                };
                event.amount = purchase(
                    if self == Self::NoCurrency {
                        9_900
                    } else {
                        -9_900
                    },
                    currency,
                );
            }
            Self::AmountOfAVisit => event.amount = purchase(9_900, "KRW"),
            Self::EnterWithoutSource => event.set_kind(Kind::Enter),
            Self::OthersKey => key.insert_str(0, "not-"),
            Self::EmptyKey => {
                key.clear();
                // Without a key nothing else decides where it goes.
                partition = Some(0);
            }
        }
        let mut value = event.encode_to_vec();
        match self {
            Self::NoProtobuf => value = vec![0xff; MAX_ID],
            // The event's first field is longer than what is left.
            Self::CutShort => value.truncate(event.event_id.len()),
            _ => {}
        }
        NewRecord {
            partition,
            key: key.into_bytes(),
            value,
            headers: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pipeline::decode;
    use pipeline::record::{Headers, Record};

    use super::*;

    const NOW: i64 = 1_795_305_600_000;

    fn good() -> Event {
        Event {
            event_id: "abcdef-1".to_owned(),
            user_id: "user-1".to_owned(),
            kind: Kind::Visit.into(),
            occurred_at_ms: NOW,
            user_agent: "curl".to_owned(),
            ..Event::default()
        }
    }

    #[test]
    fn each_fault_is_refused_for_its_reason_and_no_other() {
        for fault in Fault::ALL {
            let record = fault.record(&good());
            let given = Record {
                offset: 0,
                appended_at: NOW,
                key: &record.key,
                value: &record.value,
                headers: Headers(&record.headers),
            };
            let mut message = Event::default();
            let judged = decode::decode(&given, &decode::origin(given.headers), NOW, &mut message);
            if fault.reason() == Reason::Misrouted {
                assert_ne!(judged.unwrap().user_id.as_bytes(), record.key, "{fault:?}");
            } else {
                assert_eq!(judged.unwrap_err().reason, fault.reason(), "{fault:?}");
            }
        }
    }

    #[test]
    fn every_reason_a_producer_can_cause_has_a_fault() {
        for reason in Reason::ALL
            .into_iter()
            .filter(|reason| *reason != Reason::Late)
        {
            assert!(
                Fault::ALL.iter().any(|fault| fault.reason() == reason),
                "{reason:?}"
            );
        }
    }
}
