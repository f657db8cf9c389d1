//! Finds out, before anything is asked of the cluster, whether it lets us in, and says which setting to look at if not.
//!
//! librdkafka tries for ever and says what it met in its log only: who waits for an answer learns that none came.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext};

use super::{ANSWER_TIMEOUT, Config, report};
use crate::Error;

/// How long one question is waited for before it is looked whether the brokers refuse us.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pause before the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How long brokers that refuse us are asked on: another one may let us in, and one that starts says so late.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the brokers made of us.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    /// In librdkafka's words.
    reason: String,
    /// What to do.
    advice: &'static str,
}

/// Keeps the last refusal, and the last of what else librdkafka met.
#[derive(Default)]
struct Watching(Mutex<(Option<Refusal>, String)>);

impl Watching {
    fn note(&self, code: Option<RDKafkaErrorCode>, text: &str) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match advice(code, text) {
            Some(advice) => {
                let reason = text.to_owned();
                met.0 = Some(Refusal { reason, advice });
            }
            None => text.clone_into(&mut met.1),
        }
    }

    fn met(&self) -> (Option<Refusal>, String) {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.clone()
    }
}

impl ClientContext for Watching {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        // Lines of this facility are about connections that failed, and begin with the thread's name.
        if facility == "FAIL" {
            let (_, text) = text.split_once("]: ").unwrap_or(("", text));
            self.note(None, text);
        } else if level as i32 <= RDKafkaLogLevel::Warning as i32 {
            report::line(level, facility, text);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.note(code, reason);
        }
    }
}

impl ProducerContext for Watching {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// Returns once the cluster has answered a question.
///
/// # Errors
/// [`Error::Fatal`] when it refuses us, with the setting to look at; [`Error::Transient`] when nobody answers.
pub(super) fn reach(config: &Config) -> Result<(), Error> {
    let mut settings = config.client(&[], &[]);
    settings.set_log_level(RDKafkaLogLevel::Info);
    let client: BaseProducer<Watching> = settings
        .create_with_context(Watching::default())
        .map_err(|error| report::refused(&error))?;
    let start = Instant::now();
    let mut refused_since = None;
    loop {
        let asked = client.client().fetch_metadata(None, LOOK_EVERY);
        if asked.is_ok() {
            return Ok(());
        }
        // What librdkafka met is told when it is polled.
        client.poll(Duration::ZERO);
        let (refusal, other) = client.context().met();
        if let Some(Refusal { reason, advice }) = refusal {
            let since = *refused_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= PATIENCE {
                return Err(Error::Fatal(format!(
                    "the brokers {} don't let us in: {advice} ({reason})",
                    config.brokers
                )));
            }
        }
        if start.elapsed() >= ANSWER_TIMEOUT {
            if is_closed(&other) {
                return Err(Error::Fatal(format!(
                    "the brokers {} close our connections without an answer: log.security is probably not what their listener speaks ({other})",
                    config.brokers
                )));
            }
            return Err(Error::Transient(format!(
                "no broker of {} answers; check log.brokers, and whether they run ({other})",
                config.brokers
            )));
        }
        // The question fails at once where all brokers are known to be down.
        std::thread::sleep(PAUSE);
    }
}

/// Whether there is somebody who closed the connection: as a listener does that speaks something else, and a broker for
/// the moment in which it ends.
fn is_closed(text: &str) -> bool {
    let words = ["Disconnected", "Broken pipe", "Connection reset"];
    words.iter().any(|word| text.contains(word))
}

/// What to do about what librdkafka met; nothing where it is no refusal.
fn advice(code: Option<RDKafkaErrorCode>, text: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["PLAINTEXT broker listener", "mechanism handshake failed"]) {
        return Some("log.security or log.sasl is not what their listener speaks");
    }
    if code == Some(RDKafkaErrorCode::Authentication) || text.contains("SASL authentication error")
    {
        return Some(
            "check log.user and log.password, and whether log.sasl is a way they know this user by",
        );
    }
    if says(&[
        "certificate verify failed",
        "certificate could not be verified",
    ]) {
        return Some(
            "log.ca must hold the authority that signed their certificates, for the names in log.brokers",
        );
    }
    if says(&[
        "alert bad certificate",
        "certificate required",
        "alert unknown ca",
        "alert certificate",
    ]) {
        return Some("log.certificate, with log.key, must be one that they accept");
    }
    if code == Some(RDKafkaErrorCode::SSL) || says(&["SSL handshake failed", "SSL routines"]) {
        return Some("TLS with them fails; check log.security, log.ca and log.certificate");
    }
    if says(&["incorrect security.protocol"]) {
        return Some("log.security is not what their listener speaks");
    }
    None
}
