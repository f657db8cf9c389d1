//! A record of the log as the fold receives it: bytes at an offset.

/// One record of one partition, borrowed from its batch.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: u64,
    /// When the log took it, milliseconds since the epoch.
    pub appended_at: i64,
    /// The key; empty when there is none.
    pub key: &'a [u8],
    /// The value; empty when there is none.
    pub value: &'a [u8],
    /// Headers in order, packed; see [`Headers`].
    pub headers: Headers<'a>,
}

/// Headers packed as `name length u16 · value length u32 · name · value`, little-endian, one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a>(pub &'a [u8]);

impl<'a> Headers<'a> {
    /// Appends one header to packed bytes. A name is cut at 65,535 bytes, a value at 4 GiB.
    pub fn push(packed: &mut Vec<u8>, name: &str, value: &[u8]) {
        let name = &name.as_bytes()[..name.len().min(usize::from(u16::MAX))];
        let value = &value[..value.len().min(u32::MAX as usize)];
        packed.extend_from_slice(&(name.len() as u16).to_le_bytes());
        packed.extend_from_slice(&(value.len() as u32).to_le_bytes());
        packed.extend_from_slice(name);
        packed.extend_from_slice(value);
    }

    /// The last value of that name.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .filter(|(other, _)| *other == name.as_bytes())
            .last()
            .map(|(_, value)| value)
    }

    /// Names and values, in order. Stops at bytes that are not packed headers.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (name_length, after) = rest.split_first_chunk::<2>()?;
            let (value_length, after) = after.split_first_chunk::<4>()?;
            let name_length = usize::from(u16::from_le_bytes(*name_length));
            let value_length = u32::from_le_bytes(*value_length) as usize;
            let (name, after) = after.split_at_checked(name_length)?;
            let (value, after) = after.split_at_checked(value_length)?;
            rest = after;
            Some((name, value))
        })
    }
}
