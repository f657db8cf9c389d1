//! Writes one checkpoint, in one transaction.

use mutants::Mutant;
use pipeline::freeze::ChangeSet;
use pipeline::rejection::DeadLetter;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{LastRecord, seal};

/// Moves the checkpoint on, or leaves it as it was.
pub fn checkpoint(
    connection: &mut Connection,
    change: &ChangeSet,
    last: Option<LastRecord>,
    outbox: &[DeadLetter],
) -> rusqlite::Result<()> {
    if mutants::is(Mutant::SeenFirst) {
        ids(connection, change)?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    names(&transaction, &change.names)?;
    rows(&transaction, change)?;
    users(&transaction, change)?;
    ids(&transaction, change)?;
    letters(&transaction, outbox)?;
    let head = serde_json::to_string(&change.head).unwrap_or_default();
    let last = last.and_then(|last| serde_json::to_string(&last).ok());
    let seal = seal::of(&head, last.as_deref(), outbox);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO head (id, head, last, seal) VALUES (1, ?1, ?2, ?3)",
        )?
        .execute(params![head, last, seal])?;
    transaction.commit()
}

fn names(transaction: &Connection, names: &[(String, String)]) -> rusqlite::Result<()> {
    let mut put =
        transaction.prepare_cached("INSERT INTO names (campaign, activity) VALUES (?1, ?2)")?;
    for (campaign, activity) in names {
        put.execute(params![campaign, activity])?;
    }
    Ok(())
}

fn rows(transaction: &Connection, change: &ChangeSet) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO rows (id, changed_at, value) VALUES (?1, ?2, ?3)",
    )?;
    let mut delete = transaction.prepare_cached("DELETE FROM rows WHERE id = ?1")?;
    for row in &change.rows {
        match &row.value {
            Some(value) => put.execute(params![row.id as i64, row.changed_at as i64, value])?,
            None => delete.execute(params![row.id as i64])?,
        };
    }
    Ok(())
}

fn users(transaction: &Connection, change: &ChangeSet) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM users WHERE shard = ?1")?;
    let mut put =
        transaction.prepare_cached("INSERT INTO users (shard, base, bytes) VALUES (?1, ?2, ?3)")?;
    for segment in &change.users {
        if segment.base {
            delete.execute(params![segment.shard])?;
        }
        put.execute(params![segment.shard, segment.base, segment.bytes])?;
    }
    Ok(())
}

fn ids(transaction: &Connection, change: &ChangeSet) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM ids WHERE slot < ?1")?
        .execute(params![change.head.slot - 1])?;
    let mut put = transaction.prepare_cached("INSERT INTO ids (slot, bytes) VALUES (?1, ?2)")?;
    for (slot, ids) in &change.window {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        put.execute(params![slot, bytes])?;
    }
    Ok(())
}

fn letters(transaction: &Connection, outbox: &[DeadLetter]) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM outbox")?
        .execute([])?;
    let mut put = transaction.prepare_cached(
        "INSERT INTO outbox (offset, reason, detail, appended_at, key, value, headers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for letter in outbox {
        put.execute(params![
            letter.offset as i64,
            letter.rejection.reason.as_str(),
            letter.rejection.detail,
            letter.appended_at,
            letter.key,
            letter.value,
            letter.headers,
        ])?;
    }
    Ok(())
}
