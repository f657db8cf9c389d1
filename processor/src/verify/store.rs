//! The applied events of one partition, raw, in a private scratch database that vanishes with it.

use pipeline::cell::Kind;
use pipeline::device::{Brand, Browser, Device, DeviceClass, Os};
use rusqlite::{Connection, Row, params};

/// Pages the database keeps in memory before it spills to its temporary file: 256 MiB, in KiB and negative as SQLite wants it.
const CACHE_KIB: i64 = -262_144;

const SCHEMA: &str = "
CREATE TABLE applied (
    log_offset   INTEGER PRIMARY KEY,
    slot         INTEGER NOT NULL, -- log_time div the width of a slot of the dedup window
    user_id      TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    kind         INTEGER NOT NULL,
    occurred_at  INTEGER NOT NULL, -- milliseconds since the epoch
    signed_up_at INTEGER,          -- the same
    campaign     TEXT NOT NULL,
    activity     TEXT NOT NULL,
    class        INTEGER NOT NULL,
    os           INTEGER NOT NULL,
    browser      INTEGER NOT NULL,
    brand        INTEGER NOT NULL,
    currency     TEXT,
    minor_units  INTEGER
);
CREATE INDEX applied_ids ON applied (user_id, event_id, slot);
";

/// One applied event, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applied {
    pub offset: u64,
    pub kind: Kind,
    /// Milliseconds since the epoch.
    pub occurred_at: i64,
    /// Milliseconds since the epoch; of sign-ups that say so.
    pub signed_up_at: Option<i64>,
    /// `(none)` when the event has none.
    pub campaign: String,
    /// `(none)` when the event has none.
    pub activity: String,
    pub device: Device,
    /// Currency and minor units.
    pub amount: Option<(String, i64)>,
}

impl Applied {
    /// Whether a person did it.
    pub fn is_human(&self) -> bool {
        self.device.class != DeviceClass::Bot
    }
}

pub(super) struct Store {
    connection: Connection,
}

impl Store {
    /// An empty database: without a name, so SQLite gives it a temporary file and removes it on closing.
    pub fn open() -> rusqlite::Result<Self> {
        let connection = Connection::open("")?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.execute_batch(SCHEMA)?;
        // Never committed: no one else reads it, and nothing of it shall outlive the process.
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection })
    }

    /// Whether an event of these ids was applied in `slot` or the slot before it.
    pub fn was_applied(&self, user: &str, event_id: &str, slot: i64) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM applied WHERE user_id = ?1 AND event_id = ?2 AND slot IN (?3, ?3 - 1))",
            )?
            .query_row(params![user, event_id, slot], |row| row.get(0))
    }

    /// Keeps an applied event.
    pub fn insert(
        &self,
        user: &str,
        event_id: &str,
        slot: i64,
        event: &Applied,
    ) -> rusqlite::Result<()> {
        let (currency, minor_units) = event.amount.clone().unzip();
        self.connection
            .prepare_cached(
                "INSERT INTO applied VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                event.offset as i64,
                slot,
                user,
                event_id,
                event.kind as u8,
                event.occurred_at,
                event.signed_up_at,
                event.campaign,
                event.activity,
                event.device.class as u8,
                event.device.os as u8,
                event.device.browser as u8,
                event.device.brand as u8,
                currency,
                minor_units,
            ])?;
        Ok(())
    }

    /// The user and the event id of the applied event at an offset.
    pub fn ids_at(&self, offset: u64) -> rusqlite::Result<(String, String)> {
        self.connection
            .prepare_cached("SELECT user_id, event_id FROM applied WHERE log_offset = ?1")?
            .query_row([offset as i64], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Hands over all applied events of every user, one user after the other, in offset order.
    pub fn each_user(&self, mut take: impl FnMut(&str, &[Applied])) -> rusqlite::Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM applied ORDER BY user_id, log_offset")?;
        let mut rows = statement.query([])?;
        let mut user = String::new();
        let mut history = Vec::new();
        while let Some(row) = rows.next()? {
            let next = row.get_ref("user_id")?.as_str()?;
            if next != user {
                if !history.is_empty() {
                    take(&user, &history);
                }
                history.clear();
                next.clone_into(&mut user);
            }
            history.push(applied(row)?);
        }
        if !history.is_empty() {
            take(&user, &history);
        }
        Ok(())
    }
}

fn applied(row: &Row<'_>) -> rusqlite::Result<Applied> {
    let currency: Option<String> = row.get("currency")?;
    let minor_units: Option<i64> = row.get("minor_units")?;
    Ok(Applied {
        offset: row.get::<_, i64>("log_offset")? as u64,
        kind: word(row, "kind", Kind::from_u8)?,
        occurred_at: row.get("occurred_at")?,
        signed_up_at: row.get("signed_up_at")?,
        campaign: row.get("campaign")?,
        activity: row.get("activity")?,
        device: Device {
            class: word(row, "class", DeviceClass::from_u8)?,
            os: word(row, "os", Os::from_u8)?,
            browser: word(row, "browser", Browser::from_u8)?,
            brand: word(row, "brand", Brand::from_u8)?,
        },
        amount: currency.zip(minor_units),
    })
}

/// A column that holds the number of a word, as that word.
fn word<T>(
    row: &Row<'_>,
    column: &str,
    from_number: impl Fn(u8) -> Option<T>,
) -> rusqlite::Result<T> {
    let number: u8 = row.get(column)?;
    let index = row.as_ref().column_index(column)?;
    from_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(
        index,
        i64::from(number),
    ))
}
