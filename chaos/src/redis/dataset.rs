//! What a Redis holds, and the commands that it runs by itself.
//!
//! Order is that of the bytes wherever Redis leaves it open, so that a run can be repeated. Values are shared by
//! copies of a dataset until one of them writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use views::redis::Raw;

/// A key, a field, a member or a value.
pub type Bytes = Arc<[u8]>;
/// The fields of a hash.
pub type Hash = BTreeMap<Bytes, Bytes>;

/// What a command answers; the error is Redis' text, its code first.
pub(super) type Answer = Result<Value, String>;

/// The keys of one server, and its function libraries: Redis replicates both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dataset {
    keys: BTreeMap<Bytes, Entry>,
    /// By name.
    pub(super) libraries: BTreeMap<String, Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Hash(Arc<Hash>),
    Set(Arc<BTreeSet<Bytes>>),
}

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Nil,
    Int(i64),
    Bytes(Bytes),
    Status(&'static str),
    List(Vec<Value>),
}

impl From<Value> for Raw {
    fn from(value: Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Int(number) => Self::Int(number),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Status(text) => Self::Bytes(text.into()),
            Value::List(list) => Self::List(list.into_iter().map(Self::from).collect()),
        }
    }
}

/// Whether a command of those below changes anything.
pub(super) fn writes(name: &[u8]) -> bool {
    matches!(name, b"HSET" | b"HDEL" | b"SADD" | b"SREM" | b"UNLINK")
}

impl Dataset {
    /// A hash; `None` if the key isn't there or is a set.
    pub fn hash(&self, key: &str) -> Option<&Hash> {
        match self.keys.get(key.as_bytes())? {
            Entry::Hash(hash) => Some(hash),
            Entry::Set(_) => None,
        }
    }

    /// A set; `None` if the key isn't there or is a hash.
    pub fn set(&self, key: &str) -> Option<&BTreeSet<Bytes>> {
        match self.keys.get(key.as_bytes())? {
            Entry::Set(set) => Some(set),
            Entry::Hash(_) => None,
        }
    }

    /// The keys that begin so, in order.
    pub fn keys_with<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a [u8]> {
        let prefix = Bytes::from(prefix.as_bytes());
        let from = self.keys.range(prefix.clone()..);
        let keys = from.map(|(key, _)| &**key);
        keys.take_while(move |key| key.starts_with(&prefix))
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Runs a command on keys. Functions are for `script.rs`.
    pub(super) fn run(&mut self, command: &[Bytes]) -> Answer {
        let (name, args) = command.split_first().ok_or("ERR empty command")?;
        let name = &**name;
        let (key, rest) = match args.split_first() {
            Some((key, rest)) => (key, rest),
            None => return Err(wrong_number(name)),
        };
        let enough = match name {
            b"HSET" => !rest.is_empty() && rest.len() % 2 == 0,
            b"HMGET" | b"HDEL" | b"SADD" | b"SREM" => !rest.is_empty(),
            b"SISMEMBER" | b"SRANDMEMBER" => rest.len() == 1,
            b"TYPE" | b"HGETALL" | b"SMEMBERS" | b"SCARD" => rest.is_empty(),
            _ => true,
        };
        if !enough {
            return Err(wrong_number(name));
        }
        match name {
            b"TYPE" => Ok(Value::Status(match self.keys.get(key) {
                Some(Entry::Hash(_)) => "hash",
                Some(Entry::Set(_)) => "set",
                None => "none",
            })),
            b"EXISTS" => Ok(count(
                args.iter()
                    .filter(|key| self.keys.contains_key(*key))
                    .count(),
            )),
            b"UNLINK" => Ok(count(
                args.iter()
                    .filter(|key| self.keys.remove(*key).is_some())
                    .count(),
            )),
            b"HMGET" => {
                let hash = self.hash_at(key)?;
                let value = |field| hash.and_then(|hash| hash.get(field)).cloned();
                let values = rest.iter().map(value);
                Ok(Value::List(
                    values.map(|v| v.map_or(Value::Nil, Value::Bytes)).collect(),
                ))
            }
            b"HGETALL" => {
                let pairs = self.hash_at(key)?.into_iter().flatten();
                Ok(list(pairs.flat_map(|(field, value)| [field, value])))
            }
            b"SMEMBERS" => Ok(list(self.set_at(key)?.into_iter().flatten())),
            b"SCARD" => Ok(count(self.set_at(key)?.map_or(0, BTreeSet::len))),
            b"SISMEMBER" => {
                let is_in = self.set_at(key)?.is_some_and(|set| set.contains(&rest[0]));
                Ok(count(is_in.into()))
            }
            // The first instead of any, which Redis may as well draw.
            b"SRANDMEMBER" => {
                let most = std::str::from_utf8(&rest[0]).ok();
                let most = most.and_then(|text| text.parse().ok());
                let most = most.ok_or("ERR value is not an integer or out of range")?;
                let members = self.set_at(key)?.into_iter().flatten();
                Ok(list(members.take(most)))
            }
            b"HSET" => self.hset(key, rest),
            b"HDEL" => self.hdel(key, rest),
            b"SADD" => self.sadd(key, rest),
            b"SREM" => self.srem(key, rest),
            _ => Err(format!(
                "ERR unknown command '{}': the simulator's Redis lacks it",
                String::from_utf8_lossy(name)
            )),
        }
    }

    fn hash_at(&self, key: &Bytes) -> Result<Option<&Hash>, String> {
        match self.keys.get(key) {
            Some(Entry::Hash(hash)) => Ok(Some(hash)),
            Some(Entry::Set(_)) => Err(wrong_type()),
            None => Ok(None),
        }
    }

    fn set_at(&self, key: &Bytes) -> Result<Option<&BTreeSet<Bytes>>, String> {
        match self.keys.get(key) {
            Some(Entry::Set(set)) => Ok(Some(set)),
            Some(Entry::Hash(_)) => Err(wrong_type()),
            None => Ok(None),
        }
    }

    fn hset(&mut self, key: &Bytes, pairs: &[Bytes]) -> Answer {
        let entry = self.keys.entry(key.clone());
        let Entry::Hash(hash) = entry.or_insert_with(|| Entry::Hash(Arc::default())) else {
            return Err(wrong_type());
        };
        let hash = Arc::make_mut(hash);
        let put = |pair: &&[Bytes]| hash.insert(pair[0].clone(), pair[1].clone()).is_none();
        Ok(count(pairs.chunks_exact(2).filter(put).count()))
    }

    fn hdel(&mut self, key: &Bytes, fields: &[Bytes]) -> Answer {
        let hash = match self.keys.get_mut(key) {
            Some(Entry::Hash(hash)) => Arc::make_mut(hash),
            Some(Entry::Set(_)) => return Err(wrong_type()),
            None => return Ok(Value::Int(0)),
        };
        let deleted = fields.iter().filter(|field| hash.remove(*field).is_some());
        let deleted = deleted.count();
        if hash.is_empty() {
            self.keys.remove(key);
        }
        Ok(count(deleted))
    }

    fn sadd(&mut self, key: &Bytes, members: &[Bytes]) -> Answer {
        let entry = self.keys.entry(key.clone());
        let Entry::Set(set) = entry.or_insert_with(|| Entry::Set(Arc::default())) else {
            return Err(wrong_type());
        };
        let set = Arc::make_mut(set);
        let added = members
            .iter()
            .filter(|member| set.insert((*member).clone()));
        Ok(count(added.count()))
    }

    fn srem(&mut self, key: &Bytes, members: &[Bytes]) -> Answer {
        let set = match self.keys.get_mut(key) {
            Some(Entry::Set(set)) => Arc::make_mut(set),
            Some(Entry::Hash(_)) => return Err(wrong_type()),
            None => return Ok(Value::Int(0)),
        };
        let removed = members.iter().filter(|member| set.remove(*member)).count();
        if set.is_empty() {
            self.keys.remove(key);
        }
        Ok(count(removed))
    }
}

fn count(count: usize) -> Value {
    Value::Int(count as i64)
}

fn list<'a>(all: impl Iterator<Item = &'a Bytes>) -> Value {
    Value::List(all.cloned().map(Value::Bytes).collect())
}

fn wrong_type() -> String {
    "WRONGTYPE Operation against a key holding the wrong kind of value".to_owned()
}

fn wrong_number(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).to_lowercase();
    format!("ERR wrong number of arguments for '{name}' command")
}
