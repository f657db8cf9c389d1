//! One file read line by line and appended batch by batch, in the order of its lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use log::{NewRecord, Producer};
use pipeline::cell::Kind;
use pipeline::event_json;
use pipeline::record::Headers;
use prost::Message;
use schemas::{headers, v1};
use sha2::{Digest, Sha256};

use super::rules::{Rules, referrer_host};
use super::summary::{FileSummary, Skip};
use super::{Format, access_log};

/// Longest line read, bytes: four times the largest event.
const MAX_LINE: usize = 64 * 1024;
/// Records appended together: enough to hide the wait for their acknowledgement.
const BATCH: usize = 1000;
/// Lines between two looks at the progress bar.
const TICK_LINES: u64 = 256;
/// Digits of the file's digest in an event id: no two files of one deployment share them.
const ID_DIGITS: usize = 16;
/// Digits of a visitor's name.
const USER_DIGITS: usize = 32;
/// Hosts of referrers remembered, for the warning that none is the site's.
const MAX_HOSTS: usize = 1000;

/// Imports a file.
pub(super) fn file(
    path: &Path,
    format: Format,
    rules: &Rules,
    producer: Option<&dyn Producer>,
) -> anyhow::Result<FileSummary> {
    let name = path.display().to_string();
    let (digest, length) =
        digest(path).with_context(|| format!("{name}: the file can't be read"))?;
    let mut input = BufReader::new(
        File::open(path).with_context(|| format!("{name}: the file can't be opened"))?,
    );
    let format = told(format, &mut input)?;
    let bar = progress(&name, length);
    let mut import = Import {
        source: format!("file:{digest}"),
        summary: FileSummary::new(name.clone(), digest),
        hosts: HashMap::new(),
        format,
        rules,
    };
    let (mut line, mut batch) = (Vec::new(), Vec::with_capacity(BATCH));
    while crate::lines::next(&mut input, &mut line, MAX_LINE)
        .with_context(|| format!("{name}: reading broke off"))?
    {
        bar.inc(line.len() as u64 + 1);
        batch.extend(import.line(&line).map(|event| import.record(event)));
        if batch.len() == BATCH {
            append(&mut batch, producer, &import.summary)?;
        }
        if import.summary.lines.is_multiple_of(TICK_LINES) {
            bar.set_message(format!("{} lines", import.summary.lines));
        }
    }
    append(&mut batch, producer, &import.summary)?;
    bar.finish_and_clear();
    Ok(import.finish())
}

fn append(
    batch: &mut Vec<NewRecord>,
    producer: Option<&dyn Producer>,
    summary: &FileSummary,
) -> anyhow::Result<()> {
    let records = std::mem::replace(batch, Vec::with_capacity(BATCH));
    let Some(producer) = producer.filter(|_| !records.is_empty()) else {
        return Ok(());
    };
    producer.append(records).map(drop).with_context(|| {
        format!(
            "{}: the log did not take the records up to line {}; run the same command again: what is in already is not counted twice",
            summary.file, summary.lines
        )
    })
}

struct Import<'a> {
    source: String,
    summary: FileSummary,
    /// Page views by the referrer's host, while no referrer was the site's.
    hosts: HashMap<String, u64>,
    format: Format,
    rules: &'a Rules,
}

impl Import<'_> {
    /// The event of the next line, unless it is none; counts it either way.
    fn line(&mut self, bytes: &[u8]) -> Option<v1::Event> {
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            self.summary.skip(Skip::Blank);
            return None;
        }
        let event = if bytes.len() > MAX_LINE {
            Err(format!("more than {MAX_LINE} bytes"))
        } else if self.format == Format::Json {
            event_json::parse(&text).map(Ok)
        } else {
            access_log::parse(&text).map(|request| self.page_view(&request))
        };
        match event {
            Ok(Ok(event)) => {
                let kind = Kind::from_wire(event.kind).map_or("unknown", Kind::as_str);
                self.summary.event(kind, event.occurred_at_ms);
                Some(event)
            }
            Ok(Err(skip)) => {
                self.summary.skip(skip);
                None
            }
            Err(reason) => {
                self.summary.unreadable(reason, &text);
                None
            }
        }
    }

    fn page_view(&mut self, request: &access_log::Request<'_>) -> Result<v1::Event, Skip> {
        let view = self.rules.judge(request)?;
        self.note_host(&request.referrer);
        Ok(v1::Event {
            user_id: visitor(request.address, &request.user_agent),
            kind: view.kind.to_wire().into(),
            occurred_at_ms: request.occurred_at_ms,
            campaign_id: view.campaign,
            activity_id: view.activity,
            user_agent: request.user_agent.to_string(),
            ..v1::Event::default()
        })
    }

    fn note_host(&mut self, referrer: &str) {
        let Some(host) = referrer_host(referrer) else {
            return;
        };
        // The site's name covers its subdomains.
        let host = host.strip_prefix("www.").unwrap_or(host);
        if self.hosts.contains_key(host) || self.hosts.len() < MAX_HOSTS {
            *self.hosts.entry(host.to_owned()).or_default() += 1;
        }
    }

    /// The record of the line that was counted last.
    fn record(&self, mut event: v1::Event) -> NewRecord {
        let line = self.summary.lines.to_string();
        if event.event_id.is_empty() {
            event.event_id = format!("{}:{line}", &self.summary.digest[..ID_DIGITS]);
        }
        let mut packed = Vec::new();
        Headers::push(&mut packed, headers::SOURCE, self.source.as_bytes());
        Headers::push(&mut packed, headers::SEQUENCE, line.as_bytes());
        NewRecord {
            partition: None,
            value: event.encode_to_vec(),
            key: event.user_id.into_bytes(),
            headers: packed,
        }
    }

    fn finish(mut self) -> FileSummary {
        let top = self
            .hosts
            .iter()
            .max_by_key(|(host, views)| (**views, std::cmp::Reverse(host.as_str())));
        if let Some((host, views)) = top
            && !self.hosts.keys().any(|host| self.rules.is_site(host))
        {
            self.summary.warnings.push(format!(
                "no page view was referred from {}, so none is a click; {views} were referred from {host}: if that is the site, say --site {host}",
                self.rules.sites.join(", ")
            ));
        }
        self.summary
    }
}

/// Who made a request, as far as an access log can tell: one address with one User-Agent.
fn visitor(address: &str, user_agent: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(address);
    hash.update([0]);
    hash.update(user_agent);
    let mut name = hex::encode(hash.finalize());
    name.truncate(USER_DIGITS);
    name
}

/// SHA-256 of a file in hexadecimal, and its length in bytes.
fn digest(path: &Path) -> std::io::Result<(String, u64)> {
    let mut input = File::open(path)?;
    let mut hash = Sha256::new();
    let mut length = 0;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let read = input.read(&mut chunk)?;
        if read == 0 {
            return Ok((hex::encode(hash.finalize()), length));
        }
        hash.update(&chunk[..read]);
        length += read as u64;
    }
}

fn told(format: Format, input: &mut BufReader<File>) -> std::io::Result<Format> {
    Ok(match format {
        Format::Auto if input.fill_buf()?.trim_ascii_start().first() == Some(&b'{') => Format::Json,
        Format::Auto => Format::AccessLog,
        given => given,
    })
}

/// A bar on stderr; indicatif hides it where stderr is no terminal.
fn progress(name: &str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes).with_prefix(name.to_owned());
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} {msg} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
