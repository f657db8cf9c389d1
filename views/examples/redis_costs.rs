//! What the calls of the Redis views cost the server, in its own time, by number of rows.
//!
//! `cargo run --profile ci -p views --example redis_costs -- redis://127.0.0.1:6379`, on a Redis
//! that nobody else uses. It leaves its rows behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::sync::Arc;

use fred::prelude::*;
use fred::types::InfoKind;
use pipeline::definition::Definition;
use pipeline::row::{Facet, FrozenRow, Period, Row, RowKey};
use schemas::v1::CountsRow;
use views::redis::{Progress, Store};
use views::{Change, Question, Sink, Span, Views};

/// Cells of a row: about 250 bytes, as of an hour of a busy activity.
const CELLS: u32 = 40;
const ACTIVITIES: usize = 1_000;

#[tokio::main]
async fn main() {
    let url = std::env::args()
        .nth(1)
        .expect("give the URL of a Redis, redis://127.0.0.1:6379");
    let definition = Definition {
        partitions: 1,
        hash_key: uuid::Uuid::new_v4().simple().to_string(),
        ..Definition::default()
    };
    let store = Store::connect(&url, &definition).await.unwrap();
    let admin = Builder::from_config(Config::from_url(&url).unwrap())
        .build()
        .unwrap();
    admin.init().await.unwrap();
    store.apply(&change(0, 0, 0)).await.unwrap();
    store.stored(0).await.unwrap();
    let mut to = 0;
    println!("| call | rows | KiB | server ms |\n|---|---|---|---|");
    for rows in [100, 1_000, 3_000, 10_000, 50_000] {
        for what in ["apply, new rows", "apply, known rows"] {
            to += 1;
            let change = change(to - 1, to, rows);
            let before = millis(&admin).await;
            store.apply(&change).await.unwrap();
            print(what, &change, millis(&admin).await - before);
        }
    }
    to += 1;
    let whole = change(0, to, 50_000);
    let mut filling = store.filling(&whole);
    for step in 0..filling.steps() {
        let before = millis(&admin).await;
        assert_ne!(filling.step().await.unwrap(), Progress::Again);
        let took = millis(&admin).await - before;
        match step {
            1 => println!("| first chunk | 1000 | | {took:.2} |"),
            _ if step + 1 == filling.steps() => println!("| flip | | | {took:.2} |"),
            _ => {}
        }
    }
    for days in [1, 7, 35] {
        let question = Question::Campaign {
            campaign: "campaign 0".to_owned(),
            span: Span::Days {
                from: 20_000,
                to: 20_000 + days - 1,
            },
        };
        let before = millis(&admin).await;
        let scopes = store.ask(&question).await.unwrap().scopes.len();
        let took = millis(&admin).await - before;
        println!("| ask {days} days, {scopes} activities | | | {took:.2} |");
    }
}

/// Rows of days of activities, the same ones for the same number.
fn change(base: u64, to: u64, rows: usize) -> Change {
    let row = CountsRow {
        cells: (0..CELLS).map(|cell| 1000 + cell * 10).collect(),
        counts: (0..u64::from(CELLS))
            .map(|count| count * 1_000 + to)
            .collect(),
        browser_cells: (100..112).collect(),
        browser_counts: (0..12).map(|count| count * 1_000 + to).collect(),
        ..CountsRow::default()
    };
    let frozen = |n: usize| FrozenRow {
        key: RowKey {
            campaign: Arc::from("campaign 0"),
            activity: Some(Arc::from(format!("activity {}", n % ACTIVITIES))),
            period: Period::Day(20_000 + (n / ACTIVITIES) as u16),
            facet: Facet::Counts,
        },
        changed_at: to - 1,
        row: Some(Row::Counts(row.clone())),
    };
    Change {
        partition: 0,
        base,
        to,
        log_time: 0,
        rows: (0..rows).map(frozen).collect(),
    }
}

fn print(what: &str, change: &Change, took: f64) {
    let bytes: usize = change
        .rows
        .iter()
        .filter_map(|row| Some(row.row.as_ref()?.encode().len()))
        .sum();
    println!(
        "| {what} | {} | {} | {took:.2} |",
        change.rows.len(),
        bytes / 1024
    );
}

/// Server time in function calls so far.
async fn millis(admin: &Client) -> f64 {
    let stats: String = admin.info(Some(InfoKind::CommandStats)).await.unwrap();
    let usec = |line: &str| {
        line.starts_with("cmdstat_fcall").then_some(())?;
        line.split("usec=")
            .nth(1)?
            .split(',')
            .next()?
            .parse::<f64>()
            .ok()
    };
    stats.lines().filter_map(usec).sum::<f64>() / 1_000.0
}
