//! Calls to the log, by partition.

use std::sync::{Arc, Mutex};

use entry::Appender;
use log::{Caller, NewRecord};
use schemas::partition::partition_of;
use tokio::task::JoinSet;

use crate::world::until;

/// A log that keeps its callers, to be told later.
#[derive(Default)]
struct Kept(Mutex<Vec<Vec<Caller>>>);

impl Kept {
    /// The next call: a record's key for each of its callers, and the callers.
    async fn next(&self) -> (Vec<String>, Vec<Caller>) {
        until(|| !self.0.lock().unwrap().is_empty()).await;
        let call = self.0.lock().unwrap().remove(0);
        let key = |of: &Caller| String::from_utf8_lossy(&of.records[0].key).into_owned();
        (call.iter().map(key).collect(), call)
    }
}

impl log::Producer for Kept {
    fn append(&self, _: Vec<NewRecord>) -> Result<Vec<log::Appended>, log::Error> {
        unreachable!("callers are handed over")
    }

    fn append_each(&self, callers: Vec<Caller>) {
        self.0.lock().unwrap().push(callers);
    }
}

fn tell(call: Vec<Caller>) {
    for caller in call {
        let place = |record: &NewRecord| log::Appended {
            partition: partition_of(&record.key, 2),
            offset: record.value[0].into(),
        };
        (caller.told)(Ok(caller.records.iter().map(place).collect()));
    }
}

#[tokio::test]
async fn of_a_partition_one_call_is_under_way_and_the_next_has_all_that_came_meanwhile() {
    let kept = Arc::new(Kept::default());
    let appender = Appender::start("events", kept.clone(), 2).unwrap();
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let of = |partition| {
        let there = keys
            .iter()
            .filter(move |key| partition_of(key.as_bytes(), 2) == partition);
        there.cloned().collect::<Vec<_>>()
    };
    let (first, second) = (of(0), of(1));
    let mut asking = JoinSet::new();
    let mut ask = |keys: &[String]| {
        let record = |(number, key): (usize, &String)| NewRecord {
            key: key.clone().into_bytes(),
            value: vec![number as u8],
            ..NewRecord::default()
        };
        let records = keys.iter().enumerate().map(record).collect();
        let appender = appender.clone();
        asking.spawn(async move { appender.append(records, None).await });
    };
    ask(&first[..1]);
    let (handed, waits) = kept.next().await;
    assert_eq!(handed, first[..1]);
    ask(&first[1..2]);
    ask(&first[2..3]);
    // Of both partitions, in an order of its own.
    let both = [&second[0], &first[3], &second[1]].map(String::clone);
    ask(&both);
    let (handed, other) = kept.next().await;
    assert_eq!(handed, second[..1], "the other partition waits for nobody");
    tell(other);
    assert!(
        kept.0.lock().unwrap().is_empty(),
        "its own call is under way"
    );
    tell(waits);
    let (handed, meanwhile) = kept.next().await;
    assert_eq!(handed.len(), 3, "{handed:?}");
    tell(meanwhile);
    let mut answers = Vec::new();
    while let Some(answer) = asking.join_next().await {
        answers.push(answer.unwrap().unwrap().places);
    }
    let places =
        |of: [(u32, u64); 3]| of.map(|(partition, offset)| log::Appended { partition, offset });
    assert!(
        answers.contains(&places([(1, 0), (0, 1), (1, 2)]).to_vec()),
        "{answers:?}"
    );
    assert_eq!(answers.len(), 4);
}
