//! What a dataset holds of a partition, as its readers would find it.

use std::collections::BTreeMap;

use views::redis::Keys;

use super::dataset::{Dataset, Hash};

/// Groups of rows by name, each a map of fields: as [`views::redis::image`] gives them.
pub type Image = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

/// The first offset that a partition's image does not hold, and the image; `None` if the partition isn't there.
///
/// # Panics
/// When the groups of the image are not those that its index names, or `meta` can't be read.
pub fn read_image(data: &Dataset, keys: &Keys) -> Option<(u64, Image)> {
    let (stored, groups) = groups(data, keys)?;
    let fields = |hash: &Hash| {
        let pairs = hash
            .iter()
            .map(|(field, row)| (field.to_vec(), row.to_vec()));
        pairs.collect()
    };
    let copied = groups
        .into_iter()
        .map(|(name, hash)| (name.to_owned(), fields(hash)));
    Some((stored, copied.collect()))
}

/// Whether a partition is there and its image is this one. Nothing is copied: for a look after each write.
///
/// # Panics
/// As [`read_image`].
pub fn holds(data: &Dataset, keys: &Keys, image: &Image) -> bool {
    let same = |hash: &Hash, fields: &BTreeMap<Vec<u8>, Vec<u8>>| {
        let held = hash.iter().map(|(field, row)| (&**field, &**row));
        held.eq(fields.iter().map(|(field, row)| (&**field, &**row)))
    };
    groups(data, keys).is_some_and(|(_, groups)| {
        groups.len() == image.len()
            && groups
                .iter()
                .zip(image)
                .all(|((held, hash), (name, fields))| held == name && same(hash, fields))
    })
}

/// The first offset that a partition's image does not hold; `None` if the partition isn't there.
///
/// # Panics
/// When `meta` can't be read.
pub fn stored(data: &Dataset, keys: &Keys) -> Option<u64> {
    meta(data, keys).map(|(stored, _)| stored)
}

/// The groups of the image that is read, by name.
fn groups<'a>(data: &'a Dataset, keys: &Keys) -> Option<(u64, Vec<(&'a str, &'a Hash)>)> {
    let (stored, token) = meta(data, keys)?;
    let (index, prefix) = (keys.index(token), keys.group(token, ""));
    let mut groups = Vec::new();
    for key in data.keys_with(&prefix) {
        let key = std::str::from_utf8(key).expect("names are text");
        if key != index {
            let hash = data.hash(key).expect("a group is a hash");
            groups.push((&key[prefix.len()..], hash));
        }
    }
    let named = data.set(&index).into_iter().flatten();
    assert!(
        named
            .map(|name| &**name)
            .eq(groups.iter().map(|(name, _)| name.as_bytes())),
        "the groups of {prefix} at {stored} are not those that its index names: {:?}",
        groups.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    );
    Some((stored, groups))
}

/// The stored offset and the token of the image that is read.
fn meta<'a>(data: &'a Dataset, keys: &Keys) -> Option<(u64, &'a str)> {
    let meta = data.hash(&keys.meta())?;
    match (text(meta, Keys::STORED), text(meta, Keys::TOKEN)) {
        (Some(stored), Some(token)) => Some((stored.parse().expect("stored is an offset"), token)),
        // A partition that is filled for the first time.
        (None, None) => None,
        half => panic!("{} has one of stored and token only: {half:?}", keys.meta()),
    }
}

fn text<'a>(hash: &'a Hash, field: &str) -> Option<&'a str> {
    let value = hash.get(field.as_bytes())?;
    std::str::from_utf8(value).ok()
}
