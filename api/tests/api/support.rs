//! A store in memory that records every question it is asked, and the router over it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use pipeline::cell::{Cell, Currency, Kind};
use pipeline::definition::Definition;
use pipeline::device::{Brand, Browser, DeviceClass, Os};
use schemas::v1::PeopleRow;
use serde_json::Value;
use tower::ServiceExt;
use views::{Answer, AsOf, AsOfKind, Counts, Error, Numbers, Question, Scope, Stamp, Views};

/// 2026-11-22T05:00:00Z, which is 14:00 of a Sunday in Seoul.
pub const NOW_MS: i64 = 1_795_323_600_000;

/// Answers what it was told to, the last answer for ever, and records the questions.
pub struct Recorder {
    answers: Mutex<VecDeque<Result<Answer, Error>>>,
    asked: Mutex<Vec<Question>>,
}

impl Recorder {
    pub fn of(answers: impl IntoIterator<Item = Result<Answer, Error>>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Views for Recorder {
    async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        self.asked.lock().unwrap().push(question.clone());
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 {
            return answers.pop_front().unwrap();
        }
        match answers.front() {
            Some(Ok(answer)) => Ok(answer.clone()),
            Some(Err(_)) => answers.pop_front().unwrap(),
            None => panic!("one question too many: {question:?}"),
        }
    }

    async fn dump(&self) -> Result<(AsOf, pipeline::row::NamedCells), Error> {
        panic!("the API never dumps")
    }
}

pub fn definition() -> Definition {
    Definition {
        partitions: 2,
        hash_key: "0".repeat(32),
        ..Definition::default()
    }
}

pub fn state(hot: &Arc<Recorder>) -> api::State {
    api::State::new(hot.clone(), Arc::new(definition()))
        .unwrap()
        .with_clock(Arc::new(|| NOW_MS))
}

/// What `path` answers over `hot` alone.
pub async fn get(hot: &Arc<Recorder>, path: &str) -> (u16, Value) {
    json(&api::router(state(hot)), path).await
}

/// What `path` answers, as JSON.
pub async fn json(router: &Router, path: &str) -> (u16, Value) {
    let response = send(router, path).await;
    let status = response.status().as_u16();
    let text = text(response).await;
    let value = serde_json::from_str(&text);
    (
        status,
        value.unwrap_or_else(|_| panic!("{path} answered {status}, not JSON: {text}")),
    )
}

pub async fn send(router: &Router, path: &str) -> Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

pub async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn as_of(offsets: &[u64]) -> AsOf {
    let stamp = |(partition, offset): (usize, &u64)| Stamp {
        partition: partition as u32,
        offset: *offset,
        log_time: NOW_MS - 500 - 1_000 * partition as i64,
    };
    AsOf {
        kind: AsOfKind::Exact,
        partitions: offsets.iter().enumerate().map(stamp).collect(),
    }
}

/// An answer as of the offsets 10 and 20.
pub fn answer(scopes: impl IntoIterator<Item = (Scope, Numbers)>) -> Answer {
    Answer {
        as_of: as_of(&[10, 20]),
        scopes: scopes.into_iter().collect(),
        series: BTreeMap::new(),
    }
}

pub fn at(offsets: &[u64]) -> Result<Answer, Error> {
    Ok(Answer {
        as_of: as_of(offsets),
        ..answer([(scope("spring", None), numbers())])
    })
}

pub fn scope(campaign: &str, activity: Option<&str>) -> Scope {
    Scope {
        campaign: campaign.into(),
        activity: activity.map(Into::into),
    }
}

pub fn cell(kind: Kind, device: DeviceClass, os: Os, is_new: bool) -> Cell {
    Cell {
        kind,
        device,
        os,
        is_new,
    }
}

/// Eight visits, two clicks, an enter, a purchase and a sign-up of people, and three visits of bots.
pub fn numbers() -> Numbers {
    use DeviceClass::{Bot, Desktop, Mobile, Tablet};
    let mut counts = Counts::default();
    let bought = cell(Kind::Purchase, Mobile, Os::Ios, true);
    for (cell, count) in [
        (cell(Kind::Visit, Mobile, Os::Ios, true), 3),
        (cell(Kind::Visit, Mobile, Os::Android, false), 2),
        (cell(Kind::Visit, Tablet, Os::Ios, true), 1),
        (cell(Kind::Visit, Desktop, Os::Windows, false), 2),
        (cell(Kind::Click, Mobile, Os::Ios, true), 2),
        (cell(Kind::Enter, Mobile, Os::Ios, true), 1),
        (bought, 1),
        (cell(Kind::SignUp, Desktop, Os::Windows, false), 1),
        (cell(Kind::Visit, Bot, Os::Other, false), 3),
    ] {
        counts.cells.insert(cell, count);
    }
    let won = Currency::parse("KRW").unwrap();
    counts.amounts.insert((bought, won), 12_000);
    counts.browsers.insert((Kind::Visit, Browser::Safari), 6);
    counts.browsers.insert((Kind::Click, Browser::Safari), 1);
    counts.browsers.insert((Kind::Visit, Browser::Chrome), 2);
    counts.brands.insert((Kind::Visit, Brand::IPhone), 5);
    let people = PeopleRow {
        users: 5,
        new_users: 3,
        returning_users: 2,
        by_device: vec![3, 1, 2, 0],
        by_kind: vec![5, 2, 1, 1, 1],
        reached: vec![5, 2, 1, 1],
    };
    Numbers {
        counts,
        people: Some(people),
    }
}
