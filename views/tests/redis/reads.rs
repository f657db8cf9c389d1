//! Reading: at one instant, while images are replaced, and in one call whatever is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pipeline::calendar::Calendar;
use pipeline::row::{Facet, FrozenRow, Period, Row, RowKey};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::v1::{CountsRow, PeopleRow};
use views::redis::{Address, Store};
use views::{Change, Error, Question, Sink, Span, Step, Stored, Views};

use super::server::Server;
use super::{Redis, SMALL};
use crate::conformance::log::{Image, Log};
use crate::conformance::questions;
use crate::conformance::suite::logs;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn readers_see_an_image_or_the_next_and_never_a_mixture() {
    let server = Server::start().await;
    an_image_or_the_next_and_never_a_mixture(&Address::from(&server.url())).await;
}

pub async fn an_image_or_the_next_and_never_a_mixture(address: &Address) {
    let back = Redis::at(address.clone(), 2).await;
    let logs = Arc::new(logs(21, &back));
    for log in logs.iter() {
        back.store.apply(&log.change(0, 1)).await.unwrap();
    }
    let over = Arc::new(AtomicBool::new(false));
    let judged = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    for seed in 0..2 {
        // A connection and memory of its own, like another process.
        let store = Store::connect_to_read(address.clone(), &back.definition)
            .await
            .unwrap();
        let calendar = Calendar::new(&back.definition).unwrap();
        let (logs, over, judged) = (logs.clone(), over.clone(), judged.clone());
        readers.push(tokio::spawn(async move {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let all = questions::all(true);
            while !over.load(Ordering::SeqCst) {
                let question = all.choose(&mut rng).unwrap();
                judge_answer(&store, question, &calendar, &logs).await;
                judged.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    write(&back.store.clone().with_limits(SMALL), &logs).await;
    // A slow machine may not have come to read yet.
    let enough = judged.load(Ordering::SeqCst) + 20;
    while judged.load(Ordering::SeqCst) < enough && !readers.iter().any(|task| task.is_finished()) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    eprintln!(
        "{} answers judged while images were replaced",
        judged.load(Ordering::SeqCst)
    );
}

async fn judge_answer(store: &Store, question: &Question, calendar: &Calendar, logs: &[Log]) {
    let answer = store.ask(question).await.unwrap();
    let stamps = answer.as_of.partitions.iter().zip(logs);
    let images: Vec<&Image> = stamps.map(|(stamp, log)| log.image(stamp.offset)).collect();
    let expected = questions::answer(question, calendar, answer.as_of.clone(), &images);
    assert_eq!(answer, expected, "{question:?}");
}

/// Applies, stages and fills by turns up to the logs' ends.
async fn write(store: &Store, logs: &[Log]) {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut at = vec![1; logs.len()];
    while at.iter().zip(logs).any(|(at, log)| *at < log.end()) {
        for (log, at) in logs.iter().zip(&mut at) {
            let to = (*at + rng.random_range(1..20)).min(log.end());
            let stored = if rng.random() {
                store.fill(&log.whole(to)).await.unwrap()
            } else {
                store.apply(&log.change(*at, to)).await.unwrap()
            };
            assert_eq!(stored, Stored::At(to));
            *at = to;
        }
    }
}

const FIRST_DAY: u16 = 20_000;

/// A campaign with so many activities, with rows of life and of seven days.
fn campaign(activities: usize) -> Vec<FrozenRow> {
    let name: Arc<str> = Arc::from(format!("with {activities}"));
    let mut scopes: Vec<Option<Arc<str>>> = vec![None];
    scopes.extend((0..activities).map(|n| Some(Arc::from(format!("activity {n}")))));
    let mut periods: Vec<Period> = (0..7).map(|day| Period::Day(FIRST_DAY + day)).collect();
    periods.push(Period::Life);
    let mut rows = Vec::new();
    for activity in scopes {
        for (period, facet) in periods
            .iter()
            .flat_map(|period| [(*period, Facet::Counts), (*period, Facet::People)])
        {
            let row = match facet {
                Facet::Counts => Row::Counts(CountsRow {
                    cells: vec![1000],
                    counts: vec![1],
                    ..CountsRow::default()
                }),
                _ => Row::People(PeopleRow {
                    users: 1,
                    ..PeopleRow::default()
                }),
            };
            let key = RowKey {
                campaign: name.clone(),
                activity: activity.clone(),
                period,
                facet,
            };
            rows.push(FrozenRow {
                key,
                changed_at: 0,
                row: Some(row),
            });
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_question_costs_the_same_calls_whatever_the_number_of_activities() {
    const SIZES: [usize; 4] = [1, 10, 100, 1_000];
    let server = Server::start().await;
    let back = Redis::new(&server, 3).await;
    for partition in 0..3 {
        let change = Change {
            partition,
            base: 0,
            to: 1,
            log_time: 1,
            rows: SIZES.into_iter().flat_map(campaign).collect(),
        };
        assert_eq!(back.store.fill(&change).await.unwrap(), Stored::At(1));
    }
    let days = Span::Days {
        from: FIRST_DAY,
        to: FIRST_DAY + 6,
    };
    for span in [Span::Life, days] {
        let mut costs: Vec<BTreeMap<String, u64>> = Vec::new();
        for size in SIZES {
            let campaign = format!("with {size}");
            let question = Question::Campaign { campaign, span };
            let (answer, cost) = ask(&server, &back, &question).await;
            assert_eq!(answer, size + 1, "scopes of {question:?}");
            assert_eq!(cost.get("fcall_ro"), Some(&1), "{cost:?}");
            costs.push(cost);
        }
        eprintln!("{span:?}: {:?}", costs[0]);
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    }
    let question = Question::Activity {
        activity: "activity 0".to_owned(),
        span: Span::Life,
    };
    let (answer, cost) = ask(&server, &back, &question).await;
    assert_eq!(
        (answer, cost.get("fcall_ro")),
        (SIZES.len(), Some(&1)),
        "{cost:?}"
    );
}

/// The scopes of the answer, and the calls that it took once the store had been asked before.
async fn ask(server: &Server, back: &Redis, question: &Question) -> (usize, BTreeMap<String, u64>) {
    back.store.ask(question).await.unwrap();
    let before = server.calls().await;
    let answer = back.store.ask(question).await.unwrap();
    let mut calls = server.calls().await;
    for (command, count) in &mut calls {
        *count -= before.get(command).copied().unwrap_or(0);
    }
    // The test's own.
    calls.retain(|command, count| *count > 0 && command != "info");
    (answer.scopes.len(), calls)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers"]
async fn a_question_wider_than_an_answer_may_be_is_refused_before_anything_is_read() {
    let server = Server::start().await;
    let back = Redis::new(&server, 1).await;
    let campaign = String::from("c");
    let (from, to) = (i64::MIN, i64::MAX);
    for question in [
        Question::Campaign {
            campaign: campaign.clone(),
            span: Span::Days {
                from: 0,
                to: u16::MAX,
            },
        },
        Question::Series {
            campaign,
            from,
            to,
            step: Step::Minute,
        },
    ] {
        let refused = back.store.ask(&question).await;
        assert!(matches!(refused, Err(Error::TooWide { .. })), "{refused:?}");
    }
}
