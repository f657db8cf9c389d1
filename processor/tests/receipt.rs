//! A receipt is true where the log's own fold gave that seat, and each lie is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use log::embedded::Log;
use log::{Appended, NewRecord};
use processor::receipt::{Claim, Verdict, verify};
use prost::Message;
use schemas::v1::entry_record::Act;
use schemas::v1::{ActivityDefined, EntryCancelled, EntryRecord, EntryRequested};

const PARTITIONS: u32 = 3;

struct Entries {
    log: Arc<Log>,
    folder: tempfile::TempDir,
}

impl Entries {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(&folder.path().join("log.sqlite"), PARTITIONS).unwrap();
        let entries = Self { log, folder };
        entries.append(Act::Defined(ActivityDefined {
            activity_id: "bag".to_owned(),
            capacity: 2,
            opens_at_ms: 1_700_000_000_000,
            ..ActivityDefined::default()
        }));
        entries
    }

    fn append(&self, act: Act) -> Appended {
        let record = NewRecord {
            key: b"bag".to_vec(),
            value: EntryRecord { act: Some(act) }.encode_to_vec(),
            ..NewRecord::default()
        };
        let producer = self.log.producer("entries").unwrap();
        producer.append(vec![record]).unwrap()[0]
    }

    fn request(&self, user: &str, request: &str) -> Claim {
        let at = self.append(Act::Requested(EntryRequested {
            activity_id: "bag".to_owned(),
            user_id: user.to_owned(),
            request_id: request.to_owned(),
            ..EntryRequested::default()
        }));
        Claim {
            partition: at.partition,
            offset: at.offset,
            ..Claim::default()
        }
    }

    fn verdict(&self, claim: &Claim) -> Verdict {
        let mut reader = self.log.reader("entries").unwrap();
        verify(reader.as_mut(), PARTITIONS, claim).unwrap()
    }

    /// Why a claim is false.
    fn lie(&self, claim: &Claim) -> String {
        match self.verdict(claim) {
            Verdict::False { why } => why,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_receipt_of_the_log_is_true_also_after_its_seat_was_given_back() {
    let entries = Entries::new();
    let first = entries.request("ann", "r1");
    let claim = Claim {
        activity_id: Some("bag".to_owned()),
        user_id: Some("ann".to_owned()),
        rank: Some(1),
        ..first
    };
    let Verdict::True {
        receipt,
        cancelled_since: false,
    } = entries.verdict(&claim)
    else {
        panic!("{:?}", entries.verdict(&claim));
    };
    assert_eq!((receipt.rank, receipt.user_id.as_str()), (1, "ann"));
    entries.append(Act::Cancelled(EntryCancelled {
        activity_id: "bag".to_owned(),
        user_id: "ann".to_owned(),
        rank: 1,
    }));
    let verdict = entries.verdict(&claim);
    assert!(
        matches!(
            &verdict,
            Verdict::True {
                cancelled_since: true,
                ..
            }
        ),
        "{verdict:?}"
    );
}

#[test]
fn each_lie_is_named() {
    let entries = Entries::new();
    let first = entries.request("ann", "r1");
    let again = entries.request("ann", "r1");
    entries.request("ben", "r1");
    let late = entries.request("cat", "r1");
    let with = |change: fn(&mut Claim)| {
        let mut claim = first.clone();
        change(&mut claim);
        entries.lie(&claim)
    };
    assert!(with(|of| of.rank = Some(2)).contains("its rank is 1"));
    assert!(with(|of| of.activity_id = Some("hat".to_owned())).contains("its activity is bag"));
    assert!(with(|of| of.admitted_at_ms = Some(5)).contains("its time is"));
    assert!(with(|of| of.offset = 99).contains("ends at offset 5"));
    assert!(with(|of| of.offset = 0).contains("gives no seat"));
    assert!(with(|of| of.partition = 7).contains("no partition 7"));
    let of_another = with(|of| of.user_id = Some("cat".to_owned()));
    assert!(
        of_another.contains("its user is another one"),
        "{of_another}"
    );
    assert!(!of_another.contains("ann"), "{of_another}");
    assert!(entries.lie(&again).contains("asks again"));
    assert!(entries.lie(&late).contains("no seat: sold_out"));
}

#[test]
fn a_log_that_lost_its_beginning_can_not_tell() {
    let entries = Entries::new();
    let first = entries.request("ann", "r1");
    let path = entries.folder.path().join("log.sqlite");
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute("DELETE FROM records WHERE offset = 0", [])
        .unwrap();
    let verdict = entries.verdict(&first);
    assert!(
        matches!(&verdict, Verdict::Unverifiable { why } if why.contains("begins at offset 1")),
        "{verdict:?}"
    );
}
