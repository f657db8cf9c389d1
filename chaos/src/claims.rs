//! What OpenSearch's checkpoints claim: all that the log gives up to their offset is there, and searches see it (I3).

use pipeline::aggregate::Reader;
use pipeline::calendar::Calendar;
use pipeline::state::State;
use views::opensearch::documents_of;

use crate::opensearch;
use crate::world::{PARTITIONS, World};

impl World {
    /// After a request: of each partition whose checkpoint moved.
    pub fn check_claims(&mut self) {
        for partition in 0..PARTITIONS {
            let claimed = self.search.checkpoint(partition);
            let known = self.claims.insert(partition, claimed).flatten();
            let Some(to) = claimed.filter(|_| claimed != known) else {
                continue;
            };
            let readers = &[Reader::History];
            let mut fold =
                State::with_readers(self.definition.clone(), partition, readers).unwrap();
            self.events.each(partition, 0, to, |record| {
                fold.apply(record);
            });
            let rows = fold.take_all_rows(Reader::History);
            let calendar = Calendar::new(&self.definition).unwrap();
            let expected = documents_of(partition, &rows, &calendar).unwrap();
            let found = opensearch::behind(&expected, &self.search.seen_documents(partition));
            assert!(
                found.is_empty(),
                "OpenSearch claims partition {partition} up to {to}: {}",
                found.join("; ")
            );
            self.count("claims of OpenSearch");
        }
    }
}
