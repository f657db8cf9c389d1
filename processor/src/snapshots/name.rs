//! Names of snapshots: `<definition>/<partition>/<offset>.sqlite`, padded with zeroes so that they sort.

use object_store::path::Path;

/// What a snapshot's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The partition.
    pub partition: u32,
    /// The first offset not folded.
    pub offset: u64,
}

impl Name {
    /// The folder of a partition's snapshots.
    pub(super) fn folder(prefix: &Path, definition: &str, partition: u32) -> Path {
        prefix
            .clone()
            .join(definition)
            .join(format!("{partition:04}"))
    }

    /// Where the snapshot lies in its folder.
    pub(super) fn path(self, folder: &Path) -> Path {
        folder.clone().join(format!("{:020}.sqlite", self.offset))
    }

    /// Of an object somewhere below a definition's folder; `None` when it is no snapshot of one of its partitions.
    pub(super) fn of(object: &Path, partitions: u32) -> Option<Self> {
        let folder = object.parts().rev().nth(1)?;
        let partition = folder.as_ref().parse().ok()?;
        (partition < partitions).then(|| Self::parse(partition, object))?
    }

    /// Of an object in the folder of a partition; `None` when it is no snapshot.
    pub(super) fn parse(partition: u32, object: &Path) -> Option<Self> {
        let digits = object.filename()?.strip_suffix(".sqlite")?;
        let is_name = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
        let offset = is_name.then(|| digits.parse().ok())??;
        Some(Self { partition, offset })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_sort_as_their_offsets_and_read_back() {
        let folder = Name::folder(&Path::from("some/where"), "d1", 7);
        assert_eq!(folder.as_ref(), "some/where/d1/0007");
        let mut last = String::new();
        for offset in [0, 9, 10, 1_000_000, u64::MAX] {
            let name = Name {
                partition: 7,
                offset,
            };
            let path = name.path(&folder);
            assert_eq!(Name::parse(7, &path), Some(name));
            assert_eq!(Name::of(&path, 8), Some(name));
            assert_eq!(Name::of(&path, 7), None);
            assert!(path.as_ref() > last.as_str());
            last = path.to_string();
        }
    }

    #[test]
    fn other_objects_are_no_snapshots() {
        for other in [
            "d/0007/5.sqlite",
            "d/0007/00000000000000000005.sqlite#1",
            "d/0007/00000000000000000005.sqlite.part",
            "d/0007/99999999999999999999.sqlite",
            "d/0007/+0000000000000000005.sqlite",
        ] {
            assert_eq!(Name::parse(7, &Path::from(other)), None, "{other}");
        }
    }
}
