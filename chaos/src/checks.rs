//! What must hold after every step, and at the end.

use std::collections::BTreeMap;

use pipeline::aggregate::Reader;
use pipeline::calendar::Calendar;
use pipeline::record::Headers;
use pipeline::state::State;
use schemas::headers;
use views::opensearch::documents_of;

use crate::opensearch;
use crate::redis::{Delivered, Image, holds, read_image, stored};
use crate::seats;
use crate::world::{PARTITIONS, REPLICAS, World};

impl World {
    /// I3, after a call of Redis: where it may have changed something.
    pub fn check_call(&mut self, done: &Delivered) {
        let changed = (0..PARTITIONS).find(|partition| {
            let meta = self.keys[*partition as usize].meta();
            done.meta.as_ref() == Some(&meta)
        });
        if let (Some(server), Some(partition)) = (done.server, changed) {
            self.check_image(server, partition);
        }
    }

    /// I3, on every server.
    pub fn check_redis(&mut self) {
        for server in 0..=REPLICAS {
            for partition in 0..PARTITIONS {
                self.check_image(server, partition);
            }
        }
    }

    /// I3: a server's rows of a partition are those of fold(log[0..stored)).
    fn check_image(&mut self, server: usize, partition: u32) {
        let keys = &self.keys[partition as usize];
        let judge = &mut self.judge;
        let is_there = self.redis.servers(|servers| {
            let data = servers.data(server);
            let Some(stored) = stored(data, keys) else {
                return false;
            };
            let expected = judge.image(partition, stored);
            assert!(
                holds(data, keys, &expected),
                "Redis' server {server} holds partition {partition} as of offset {stored}, and not what that is: {}",
                first_difference(&expected, read_image(data, keys))
            );
            true
        });
        if !is_there {
            return;
        }
        self.count("images");
    }

    /// How far Redis' primary holds a partition.
    pub fn stored(&self, partition: u32) -> Option<u64> {
        let keys = &self.keys[partition as usize];
        self.redis
            .servers(|servers| stored(servers.data(servers.primary()), keys))
    }

    /// I3: no document ever goes back.
    pub fn check_search(&mut self) {
        let back = self.search.went_back();
        assert!(back.is_empty(), "{back:?}");
    }

    /// I1, I2, I4, I6, I7: everything has arrived, once, wherever it belongs.
    pub fn check_all(&mut self) {
        let cells = self.dump();
        let wholes = (0..PARTITIONS).map(|partition| self.judge.whole(partition));
        let mut wholes: Vec<State> = wholes.collect();
        let differences = self.judge.differences(&wholes, cells);
        assert!(differences.is_empty(), "Redis: {}", differences.join("; "));
        for (partition, whole) in (0..PARTITIONS).zip(&mut wholes) {
            let rows = whole.take_all_rows(Reader::History);
            let calendar = Calendar::new(&self.definition).unwrap();
            let expected = documents_of(partition, &rows, &calendar).unwrap();
            let found = opensearch::differences(&expected, &self.search.seen_documents(partition));
            assert!(found.is_empty(), "OpenSearch: {}", found.join("; "));
            assert!(whole.tally().is_conserved());
        }
        self.check_letters(&mut wholes);
        let differences = seats::differences(&self.entries, &self.events, &self.definition);
        assert!(differences.is_empty(), "{}", differences.join("; "));
    }

    /// The dead-letter topic has each letter of the fold, and no other, at least once.
    fn check_letters(&self, wholes: &mut [State]) {
        let mut expected = BTreeMap::new();
        for whole in wholes {
            for letter in whole.take_letters() {
                let key = format!("{}/{}", letter.partition, letter.offset);
                let reason = letter.rejection.reason.as_str().as_bytes().to_vec();
                expected.insert(key.into_bytes(), (reason, letter.value));
            }
        }
        let mut found = BTreeMap::new();
        for partition in 0..PARTITIONS {
            self.letters
                .each(partition, 0, self.letters.end(partition), |record| {
                    let Headers(packed) = record.headers;
                    let reason = Headers(packed).get(headers::REASON).unwrap().to_vec();
                    let letter = (reason, record.value.to_vec());
                    let before = found.insert(record.key.to_vec(), letter.clone());
                    assert!(
                        before.is_none_or(|before| before == letter),
                        "a letter has two forms"
                    );
                });
        }
        let (expected_count, count) = (expected.len(), found.len());
        assert!(
            found == expected,
            "{count} dead letters are there, and {expected_count} should be"
        );
    }
}

/// The first group that is otherwise than it should be, in words.
fn first_difference(expected: &Image, found: Option<(u64, Image)>) -> String {
    let (_, found) = found.unwrap_or_default();
    let groups = expected.keys().chain(found.keys());
    let differs = |group: &&String| expected.get(*group) != found.get(*group);
    let Some(group) = groups.into_iter().find(differs) else {
        return "none".to_owned();
    };
    let fields = |image: &Image| image.get(group).map(|group| group.len());
    format!(
        "group {group:?} has {:?} fields, not {:?}",
        fields(&found),
        fields(expected)
    )
}
