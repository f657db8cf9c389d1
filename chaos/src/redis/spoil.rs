//! Faults made in Redis' functions, and in how they are called.

use mutants::Mutant;

use super::dataset::Bytes;

const GUARD: &str = "if m.stored < base or m.stored >= to then return at(m.stored) end";
const COUNTED: &str = "m.fill ~= token or m.filled ~= chunks";
/// The base of a change is then the number of who sends it, which the later has the greater.
const BY_EPOCH: &str = "local epoch = redis.call('HMGET', meta, 'epoch')[1]
  if epoch and tonumber(epoch) > base then return at(m.stored) end
  redis.call('HSET', meta, 'epoch', args[2])";
/// A change that comes after its offset.
const ROWS_LATER: &str = "if base == to then
    if m.token == token then write_groups(index, groups, args) end
    return at(m.stored)
  end
  ";

/// The functions, as the fault of this thread would have them.
pub fn library(text: &str) -> String {
    let with = |what: &str, by: &str| {
        assert!(text.contains(what), "the functions have no {what:?}");
        text.replace(what, by)
    };
    let is = mutants::is;
    if is(Mutant::GuardWithoutLowerBound) {
        with(GUARD, "if m.stored >= to then return at(m.stored) end")
    } else if is(Mutant::GuardRemoved) {
        with(GUARD, "")
    } else if is(Mutant::FlipWithoutCount) {
        with(COUNTED, "m.fill ~= token")
    } else if is(Mutant::EpochOnly) {
        with(GUARD, BY_EPOCH)
    } else if is(Mutant::OffsetFirst) {
        with(GUARD, &format!("{ROWS_LATER}{GUARD}"))
    } else {
        text.to_owned()
    }
}

/// The commands that are sent instead of one, each after the one before was answered; `epoch` is the sender's number.
pub fn commands(mut command: Vec<Vec<u8>>, epoch: u64) -> Vec<Vec<Bytes>> {
    let is_named = |at: usize, name: &[u8]| command.get(at).is_some_and(|word| word == name);
    if is_named(0, b"FUNCTION") {
        let text = String::from_utf8(command.pop().unwrap()).unwrap();
        command.push(library(&text).into_bytes());
    } else if is_named(1, b"footfall_1_apply") {
        let keys: usize = std::str::from_utf8(&command[2]).unwrap().parse().unwrap();
        let (base, groups) = (3 + keys + 1, 3 + keys + 5);
        if mutants::is(Mutant::EpochOnly) {
            command[base] = epoch.to_string().into_bytes();
        }
        if mutants::is(Mutant::OffsetFirst) {
            let mut offset: Vec<Vec<u8>> = command[..5].to_vec();
            offset[2] = b"2".to_vec();
            offset.extend_from_slice(&command[3 + keys..groups]);
            let mut rows = command;
            rows[base] = rows[base + 1].clone();
            return vec![packed(offset), packed(rows)];
        }
    }
    vec![packed(command)]
}

fn packed(command: Vec<Vec<u8>>) -> Vec<Bytes> {
    command.into_iter().map(Bytes::from).collect()
}
