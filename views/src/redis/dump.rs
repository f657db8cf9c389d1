//! Every row of every partition, each partition at one offset.

use fred::types::Value;
use pipeline::row::{NamedCells, Row, RowKey, add_row};

use super::call::{Function, Reply};
use super::failure::transient;
use super::wants::{Want, rows_of};
use super::{MOVES, NAME, Store};
use crate::{AsOf, AsOfKind, Error, Stamp};

/// Groups read by one call.
const GROUPS_PER_CALL: usize = 500;
/// Times a partition is read anew because it moved on meanwhile.
const ATTEMPTS: usize = 20;

type Rows = Vec<(RowKey, Row)>;

impl Store {
    pub(super) async fn dump_all(&self) -> Result<(AsOf, NamedCells), Error> {
        let mut cells = NamedCells::new();
        let mut partitions = Vec::new();
        for partition in 0..self.shared.keys.len() as u32 {
            let (stamp, rows) = self.dump_partition(partition).await?;
            for (key, row) in &rows {
                add_row(&mut cells, key, row);
            }
            partitions.push(stamp);
        }
        let kind = AsOfKind::Exact;
        Ok((AsOf { kind, partitions }, cells))
    }

    /// One partition's rows at one offset.
    ///
    /// # Errors
    /// [`Error::Incomplete`] when it is missing; [`Error::Transient`] when it moves on faster
    /// than it can be read.
    pub async fn dump_partition(&self, partition: u32) -> Result<(Stamp, Rows), Error> {
        for _ in 0..ATTEMPTS {
            let (offset, names) = self.names(partition).await?;
            if let Some(dump) = self.dump_at(partition, offset, &names).await? {
                return Ok(dump);
            }
        }
        Err(transient(format!(
            "partition {partition} moves on faster than its rows can be read; stop its processor or ask when it is quiet"
        )))
    }

    /// The stored offset and the names of all groups at it.
    async fn names(&self, partition: u32) -> Result<(u64, Vec<String>), Error> {
        let keys = self.keys(partition)?;
        for _ in 0..MOVES {
            let token = self.token(partition);
            let list = vec![keys.meta().into(), keys.index(&token).into()];
            let args = vec![self.definition(), token.into()];
            match self.call(Function::Names, list, args).await? {
                Reply::Rows(reply) => {
                    let offset = reply.first().and_then(Value::as_u64).unwrap_or(0);
                    let names = reply.into_iter().nth(2).unwrap_or(Value::Null);
                    let names = names.into_array().into_iter();
                    return Ok((offset, names.filter_map(|name| name.as_string()).collect()));
                }
                Reply::Missing(_) => {
                    return Err(Error::Incomplete {
                        store: NAME,
                        partition,
                    });
                }
                Reply::Moved(tokens) => self.remember(partition, tokens),
                _ => {
                    return Err(Error::Fatal(
                        "Redis answered a read with a write".to_owned(),
                    ));
                }
            }
        }
        Err(transient(
            "the image moved again and again while it was read",
        ))
    }

    /// The rows of these groups, unless the partition has moved on from `offset`.
    async fn dump_at(
        &self,
        partition: u32,
        offset: u64,
        names: &[String],
    ) -> Result<Option<(Stamp, Rows)>, Error> {
        let mut rows = Vec::new();
        let mut last = None;
        // An image without groups is read too, for its stamp.
        for names in names
            .chunks(GROUPS_PER_CALL)
            .chain(names.is_empty().then_some(&[][..]))
        {
            let wants: Vec<Want> = names
                .iter()
                .map(|name| Want {
                    group: name.clone(),
                    fields: Vec::new(),
                })
                .collect();
            for share in self.read_some(&[partition], &wants).await? {
                if share.stamp.offset != offset {
                    return Ok(None);
                }
                for (want, values) in wants.iter().zip(share.groups) {
                    rows_of(want, values, &mut rows)?;
                }
                last = Some(share.stamp);
            }
        }
        Ok(last.map(|stamp| (stamp, rows)))
    }
}
