//! Asks the API about a view, again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::{counter, gauge, histogram};
use anyhow::{Context, bail};
use reqwest::StatusCode;
use schemas::canary;
use serde::Deserialize;

use super::view::View;
use super::watch::Seen;
use super::{Args, metrics};
use crate::asking;

/// An answer that takes longer is not waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// What its token must open.
const SCOPE: &str = "read";
/// The problem that the API answers with where it has no history, ever.
const NO_HISTORY: &str = "urn:footfall:problem:no-history";

/// What the API says of a view.
#[derive(Debug)]
enum Answer {
    Seen(Seen),
    /// It has no such view.
    Absent,
}

/// Why there is no answer.
#[derive(Debug)]
struct Silence {
    /// Equal for equal reasons; the sentence may name a trace, which no other has.
    kind: String,
    sentence: String,
}

/// The members of a problem that are looked at.
#[derive(Deserialize)]
struct Problem {
    r#type: String,
}

/// An API that is away is waited for; one that refuses the token, or whose certificate is not trusted, will go on doing so.
///
/// # Errors
/// When it does, with what to set.
pub(super) async fn check_admitted(client: &reqwest::Client, args: &Args) -> anyhow::Result<()> {
    match request(client, &address(&args.api, "hot"), args)
        .send()
        .await
    {
        Ok(answer) => {
            asking::check_admitted(&answer, SCOPE).with_context(|| args.api.clone())?;
        }
        Err(error) => {
            if let Some(why) = asking::distrust(&error) {
                bail!("{}: {why}", args.api);
            }
        }
    }
    Ok(())
}

/// Looks in one view until it is found that the API doesn't have it.
pub(super) async fn look(client: reqwest::Client, args: Args, view: Arc<View>) {
    let url = address(&args.api, view.name);
    // Where none is ever seen, none was since now: without the number no alert could tell.
    gauge!(metrics::LAST_SEEN, "view" => view.name).set(now());
    let mut said = String::new();
    loop {
        match ask(&client, &url, &args).await {
            Ok(Answer::Seen(seen)) => {
                said.clear();
                note(&view, &seen).await;
            }
            Ok(Answer::Absent) => {
                tracing::info!(
                    view = view.name,
                    "the API has no such view: only the other is watched"
                );
                view.watch.lock().await.leave();
                report(&view).await;
                return;
            }
            Err(silence) => {
                if silence.kind != said {
                    tracing::warn!(
                        view = view.name,
                        "the API can't be asked: {}",
                        silence.sentence
                    );
                    said = silence.kind;
                }
            }
        }
        report(&view).await;
        tokio::time::sleep(view.every).await;
    }
}

async fn report(view: &View) {
    let watch = view.watch.lock().await;
    gauge!(metrics::OUTSTANDING, "view" => view.name).set(watch.outstanding() as f64);
    let oldest = watch.oldest(Instant::now()).as_secs_f64();
    gauge!(metrics::OLDEST, "view" => view.name).set(oldest);
}

async fn note(view: &View, seen: &Seen) {
    let news = view.watch.lock().await.take(seen, Instant::now());
    for took in &news.took {
        histogram!(metrics::FRESHNESS, "view" => view.name).record(took.as_secs_f64());
    }
    if !news.took.is_empty() {
        gauge!(metrics::LAST_SEEN, "view" => view.name).set(now());
    }
    counter!(metrics::LOST, "view" => view.name).increment(news.lost);
    if news.lost > 0 {
        tracing::error!(
            view = view.name,
            lost = news.lost,
            "events that the view claims to count are not counted"
        );
    }
}

/// Seconds since the epoch.
fn now() -> f64 {
    processor::metrics::now_ms() as f64 / 1000.0
}

fn address(api: &str, store: &str) -> String {
    let api = api.trim_end_matches('/');
    format!(
        "{api}/v1/campaigns/{}?store={store}&bots=include",
        canary::CAMPAIGN
    )
}

fn request(client: &reqwest::Client, url: &str, args: &Args) -> reqwest::RequestBuilder {
    let request = client.get(url);
    match &args.token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn ask(client: &reqwest::Client, url: &str, args: &Args) -> Result<Answer, Silence> {
    let failed = |error: anyhow::Error| {
        let sentence = format!("{error:#}");
        Silence {
            kind: sentence.clone(),
            sentence,
        }
    };
    let answer = request(client, url, args).send().await;
    let answer = answer.map_err(|error| failed(asking::explained(error)))?;
    asking::check_admitted(&answer, SCOPE).map_err(failed)?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| failed(error.into()))?;
    judge(url, status, &body)
}

fn judge(url: &str, status: StatusCode, body: &str) -> Result<Answer, Silence> {
    if status == StatusCode::NOT_FOUND {
        // No event of it is counted yet.
        return Ok(Answer::Seen(Seen::default()));
    }
    if status.is_success() {
        return serde_json::from_str(body)
            .map(Answer::Seen)
            .map_err(|error| Silence {
                kind: "not understood".to_owned(),
                sentence: format!("{url} answers what is not understood: {error}"),
            });
    }
    let problem =
        serde_json::from_str(body).map_or_else(|_| String::new(), |of: Problem| of.r#type);
    if problem == NO_HISTORY {
        return Ok(Answer::Absent);
    }
    Err(Silence {
        kind: format!("{status} {problem}"),
        sentence: format!("{url} answers {status}: {body}"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{BufRead, BufReader, Write};

    use super::super::view;
    use super::*;

    fn problem(kind: &str, trace: u32) -> String {
        format!(r#"{{"type":"urn:footfall:problem:{kind}","trace_id":"{trace:032x}"}}"#)
    }

    #[test]
    fn one_problem_is_one_reason_whatever_trace_it_names() {
        let silence = |kind, trace| {
            let body = problem(kind, trace);
            judge("", StatusCode::SERVICE_UNAVAILABLE, &body).unwrap_err()
        };
        let (first, second) = (
            silence("store-unavailable", 1),
            silence("store-unavailable", 2),
        );
        assert_eq!(first.kind, second.kind);
        assert_ne!(first.sentence, second.sentence);
        assert_ne!(first.kind, silence("store-incomplete", 1).kind);
    }

    /// An API that has no history, which it says from the second question on, and whose hot views count nothing yet.
    fn hot_only_api() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut asked_before = false;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                let path = head.next().unwrap().unwrap();
                while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let history = path.contains("store=history");
                let (status, body) = match (history, asked_before) {
                    (false, _) => (404, problem("unknown-campaign", 1)),
                    (true, false) => (503, problem("not-ready", 1)),
                    (true, true) => (400, problem("no-history", 1)),
                };
                asked_before |= history;
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn client() -> reqwest::Client {
        asking::client(&crate::config::Config::default(), ANSWER).unwrap()
    }

    fn args(api: String) -> Args {
        Args {
            api,
            every: Duration::from_secs(1),
            length: None,
            token: None,
        }
    }

    #[tokio::test]
    async fn a_canary_that_starts_before_an_api_without_a_history_watches_its_hot_views() {
        let (client, args) = (client(), args(hot_only_api()));
        let views = view::views();
        let asking: Vec<_> = views
            .iter()
            .map(|view| tokio::spawn(look(client.clone(), args.clone(), view.clone())))
            .collect();
        let begun = tokio::time::timeout(Duration::from_secs(180), view::all_begun(&views));
        assert!(begun.await.is_ok(), "a view is not decided");
        let receiving = view::receiving(&views).await.unwrap();
        let names: Vec<_> = receiving.iter().map(|view| view.name).collect();
        assert_eq!(names, ["hot"]);
        asking.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn a_view_that_does_not_answer_keeps_no_event_from_the_other() {
        let views = view::views();
        assert!(view::receiving(&views).await.is_none(), "none answered");
        note(&views[0], &Seen::default()).await;
        let receiving = view::receiving(&views).await.unwrap();
        assert_eq!(receiving.len(), 1);
        assert_eq!(receiving[0].name, "hot");
    }

    #[tokio::test]
    async fn a_view_that_never_answers_has_the_numbers_that_alerts_read() {
        let recorder = telemetry::metrics::recorder().unwrap();
        let _here = ::metrics::set_default_local_recorder(&recorder);
        let views = view::views();
        // Nobody listens there.
        let args = args("http://127.0.0.1:1".to_owned());
        let asked = look(client(), args, views[0].clone());
        let names = [metrics::LAST_SEEN, metrics::OLDEST, metrics::LOST];
        let are_there = async {
            let has = |name| {
                recorder
                    .handle()
                    .render()
                    .contains(&format!("{name}{{view=\"hot\"}}"))
            };
            while !names.iter().all(has) {
                tokio::time::sleep(view::ASK_HOT).await;
            }
        };
        tokio::select! {
            () = asked => unreachable!("it asks for ever"),
            found = tokio::time::timeout(Duration::from_secs(180), are_there) => found.unwrap(),
        }
    }
}
