//! The listener: TLS, certificates and tokens that change while it serves, and what it refuses to serve.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Certificate, Client, Response, StatusCode};
use serde_json::Value;
use web::{
    Access, Entry, Guard, Listener, Scope, Settings, TokenFile, create, guarded, health_router,
};

/// How long a condition is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(180);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/certificates")
        .join(name)
}

fn on_loopback() -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        ..Settings::default()
    }
}

/// Certificate, key and tokens of one listener, to be changed while it serves.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.show("first");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a certificate of the tests, and its key, in place.
    fn show(&self, name: &str) {
        for (from, to) in [
            (format!("{name}.pem"), "pem"),
            (format!("{name}.key"), "key"),
        ] {
            std::fs::copy(fixture(&from), self.path(to)).unwrap();
        }
    }

    fn tokens(&self) -> TokenFile {
        TokenFile::at(&self.path("tokens"))
    }

    /// Makes a token.
    fn token(&self, name: &str, scopes: &[Scope], expires: Option<Timestamp>) -> String {
        let (token, entry) = create(name, scopes, Timestamp::UNIX_EPOCH, expires);
        self.tokens().change(|tokens| tokens.add(entry)).unwrap();
        token
    }

    fn with_tls(&self, settings: Settings) -> Settings {
        Settings {
            certificate: self.path("pem"),
            key: self.path("key"),
            ..settings
        }
    }

    fn with_tokens(&self, settings: Settings) -> Settings {
        Settings {
            tokens: self.path("tokens"),
            ..settings
        }
    }
}

/// Paths that readers may ask, and those of every process.
fn routes(guard: &Guard) -> Router {
    let numbers = || {
        guarded(
            get(|| async { "numbers" }),
            Access::Needs(Scope::Read),
            guard,
        )
    };
    let routes = Router::new()
        .route("/v1/campaigns", numbers())
        .route("/v1/campaigns/spring", numbers())
        .route(
            "/openapi.json",
            guarded(get(|| async { "{}" }), Access::Open, guard),
        );
    let health = health_router(Arc::new(|| Ok(())), Arc::new(String::new), guard);
    web::layered(routes.merge(health))
}

/// A listener that serves them, until the test ends.
struct Served {
    address: SocketAddr,
    base: String,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    metrics: Arc<dyn Fn() -> String>,
    _recording: metrics::LocalRecorderGuard<'static>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    async fn start(settings: &Settings) -> Self {
        // It lives as long as the thread of the test.
        let recorder = Box::leak(Box::new(telemetry::metrics::recorder().unwrap()));
        let handle = recorder.handle();
        let recording = metrics::set_default_local_recorder(recorder);
        let listener = Listener::open(settings).await.unwrap();
        let address = listener.address().unwrap();
        let base = format!("{}://{address}", listener.scheme());
        let router = routes(&listener.guard());
        let task = tokio::spawn(listener.serve(router, std::future::pending()));
        Self {
            address,
            base,
            task,
            metrics: Arc::new(move || handle.render()),
            _recording: recording,
        }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Response {
        let request = Client::new().get(format!("{}{path}", self.base));
        let request = match token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn status(&self, path: &str, token: Option<&str>) -> u16 {
        self.get(path, token).await.status().as_u16()
    }

    fn metric(&self, line: &str) -> bool {
        (self.metrics)().lines().any(|found| found == line)
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// A new connection that trusts only that certificate.
async fn trusting(name: &str, base: &str) -> Result<StatusCode, reqwest::Error> {
    let pem = std::fs::read(fixture(&format!("{name}.pem"))).unwrap();
    let trusted = Certificate::from_pem(&pem).unwrap();
    let client = Client::builder().tls_certs_only([trusted]).build().unwrap();
    let answer = client.get(format!("{base}/healthz")).send().await?;
    Ok(answer.status())
}

#[tokio::test]
async fn a_certificate_that_changes_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let files = Files::new();
    let served = Served::start(&files.with_tls(on_loopback())).await;
    assert!(served.base.starts_with("https://"));
    assert_eq!(trusting("first", &served.base).await.unwrap(), 200);
    assert!(trusting("second", &served.base).await.is_err());

    files.show("second");
    until("the second certificate", || async {
        trusting("second", &served.base).await.is_ok()
    })
    .await;
    assert!(trusting("first", &served.base).await.is_err());

    std::fs::write(files.path("pem"), "nothing of the kind").unwrap();
    let broken = "footfall_http_file_broken{file=\"certificate\"} 1";
    until("the metric of the broken certificate", || async {
        served.metric(broken)
    })
    .await;
    assert_eq!(trusting("second", &served.base).await.unwrap(), 200);

    files.show("first");
    until("the first certificate again", || async {
        trusting("first", &served.base).await.is_ok()
    })
    .await;
    assert!(served.metric("footfall_http_file_broken{file=\"certificate\"} 0"));
}

#[tokio::test]
async fn whoever_speaks_plainly_to_tls_gets_nothing_and_is_counted() {
    let files = Files::new();
    let served = Served::start(&files.with_tls(on_loopback())).await;
    let plain = format!("http://{}/healthz", served.address);
    assert!(Client::new().get(plain).send().await.is_err());
    let line = "footfall_http_connections_not_served_total{reason=\"handshake\"} 1";
    until("the handshake that failed", || async {
        served.metric(line)
    })
    .await;
}

#[tokio::test]
async fn a_token_opens_what_its_scope_names_and_nothing_else() {
    let files = Files::new();
    let tokens: Vec<(Scope, String)> = Scope::ALL
        .map(|scope| (scope, files.token(scope.as_str(), &[scope], None)))
        .into();
    let served = Served::start(&files.with_tokens(on_loopback())).await;
    let numbers = ["/v1/campaigns", "/v1/campaigns/spring"];
    for (scope, token) in &tokens {
        let opens = |needed| scope.covers(needed);
        for path in numbers {
            let expected = if opens(Scope::Read) { 200 } else { 403 };
            assert_eq!(
                served.status(path, Some(token)).await,
                expected,
                "{scope} {path}"
            );
        }
        let expected = if opens(Scope::Metrics) { 200 } else { 403 };
        assert_eq!(
            served.status("/metrics", Some(token)).await,
            expected,
            "{scope}"
        );
    }
    let opened = |scope: Scope| [scope.covers(Scope::Read), scope.covers(Scope::Metrics)];
    assert_eq!(opened(Scope::Admin), [true, true]);
    assert_eq!(opened(Scope::Read), [true, false]);
    assert_eq!(opened(Scope::Metrics), [false, true]);
    assert_eq!(opened(Scope::Ingest), [false, false]);
    // What tells no numbers is open, and so is where nothing is.
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/openapi.json", 200),
        ("/nowhere", 404),
    ] {
        assert_eq!(served.status(path, None).await, expected, "{path}");
    }
    for path in [&numbers[..], &["/metrics"]].concat() {
        assert_eq!(served.status(path, None).await, 401, "{path}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_missing_in_a_header_and_in_its_problem() {
    let files = Files::new();
    let old = files.token("old", &[Scope::Admin], Some(Timestamp::UNIX_EPOCH));
    let scraper = files.token("scraper", &[Scope::Metrics], None);
    let served = Served::start(&files.with_tokens(on_loopback())).await;
    let unknown = format!("ff_{}", "0".repeat(64));
    for (token, status, kind, challenge, said) in [
        (
            None,
            401,
            "no-token",
            "Bearer realm=\"footfall\"",
            "scope read",
        ),
        (
            Some(unknown.as_str()),
            401,
            "wrong-token",
            "invalid_token",
            "misspelt or revoked",
        ),
        (
            Some("ff_short"),
            401,
            "wrong-token",
            "invalid_token",
            "misspelt or revoked",
        ),
        (Some(&old), 401, "wrong-token", "invalid_token", "expired"),
        (
            Some(&scraper),
            403,
            "no-scope",
            "scope=\"read\"",
            "lacks the scope read",
        ),
    ] {
        let answer = served.get("/v1/campaigns", token).await;
        assert_eq!(answer.status(), status, "{token:?}");
        let header = answer.headers()[WWW_AUTHENTICATE]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            header.starts_with("Bearer") && header.contains(challenge),
            "{header}"
        );
        let media_type = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(media_type, "application/problem+json");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["type"], format!("urn:footfall:problem:{kind}"));
        assert_eq!(body["status"], status);
        assert!(body["detail"].as_str().unwrap().contains(said), "{body}");
    }
    for line in [
        "footfall_http_refusals_total{reason=\"missing\"} 1",
        "footfall_http_refusals_total{reason=\"unknown\"} 2",
        "footfall_http_refusals_total{reason=\"expired\"} 1",
        "footfall_http_refusals_total{reason=\"scope\"} 1",
        "footfall_http_refusals_total{reason=\"too_many\"} 0",
    ] {
        assert!(served.metric(line), "{line}");
    }
}

#[tokio::test]
async fn tokens_change_while_it_serves_and_a_broken_file_keeps_those_before() {
    let files = Files::new();
    let first = files.token("first", &[Scope::Read], None);
    let served = Served::start(&files.with_tokens(on_loopback())).await;
    let path = "/v1/campaigns";
    assert_eq!(served.status(path, Some(&first)).await, 200);

    let second = files.token("second", &[Scope::Read], None);
    until("the second token", || async {
        served.status(path, Some(&second)).await == 200
    })
    .await;
    assert_eq!(served.status(path, Some(&first)).await, 200);

    files
        .tokens()
        .change(|tokens| {
            assert!(tokens.remove("first"));
            Ok(())
        })
        .unwrap();
    until("the first token to be refused", || async {
        served.status(path, Some(&first)).await == 401
    })
    .await;

    let good = std::fs::read_to_string(files.path("tokens")).unwrap();
    std::fs::write(files.path("tokens"), "{\"name\": \"half").unwrap();
    let broken = "footfall_http_file_broken{file=\"tokens\"} 1";
    until("the metric of the broken file", || async {
        served.metric(broken)
    })
    .await;
    assert_eq!(served.status(path, Some(&second)).await, 200);
    assert_eq!(served.status(path, None).await, 401);

    std::fs::write(files.path("tokens"), good).unwrap();
    let mended = "footfall_http_file_broken{file=\"tokens\"} 0";
    until("the metric of the mended file", || async {
        served.metric(mended)
    })
    .await;
}

#[tokio::test]
async fn too_many_wrong_tokens_are_told_so_and_a_good_one_is_served_all_the_same() {
    let files = Files::new();
    let good = files.token("good", &[Scope::Read], None);
    let served = Served::start(&files.with_tokens(on_loopback())).await;
    let mut wrong = Vec::new();
    for _ in 0..22 {
        wrong.push(served.status("/v1/campaigns", Some("ff_wrong")).await);
    }
    assert_eq!(wrong[..20], [401; 20]);
    assert_eq!(wrong[20..], [429; 2]);
    let answer = served.get("/v1/campaigns", Some("ff_wrong")).await;
    assert_eq!(answer.headers()[RETRY_AFTER], "60");
    assert_eq!(served.status("/v1/campaigns", Some(&good)).await, 200);
    assert!(served.metric("footfall_http_refusals_total{reason=\"too_many\"} 3"));
}

#[tokio::test]
async fn other_machines_are_served_only_with_tokens_and_tls() {
    let files = Files::new();
    files.token("someone", &[Scope::Read], None);
    let everywhere = || Settings {
        host: "0.0.0.0".to_owned(),
        ..Settings::default()
    };
    for (settings, said) in [
        (everywhere(), "http.tokens"),
        (files.with_tls(everywhere()), "http.tokens"),
        (files.with_tokens(everywhere()), "http.certificate"),
        (
            Settings {
                key: PathBuf::new(),
                ..files.with_tls(on_loopback())
            },
            "http.certificate and http.key go together",
        ),
    ] {
        let checked = settings.check().unwrap_err().to_string();
        let opened = Listener::open(&settings).await.err().unwrap().to_string();
        assert_eq!(checked, opened);
        assert!(opened.contains(said), "{opened}");
    }
    let insecure = Settings {
        insecure: true,
        ..everywhere()
    };
    let named = Settings {
        host: "localhost".to_owned(),
        ..Settings::default()
    };
    for settings in [
        insecure,
        files.with_tls(files.with_tokens(everywhere())),
        named,
        on_loopback(),
    ] {
        Listener::open(&settings).await.unwrap();
    }
}

#[tokio::test]
async fn what_can_not_be_used_is_named_before_anything_is_served() {
    let files = Files::new();
    let absent = Settings {
        tokens: files.path("absent"),
        ..on_loopback()
    };
    std::fs::write(files.path("tokens"), "nonsense\n").unwrap();
    let other_key = Settings {
        key: fixture("second.key"),
        ..files.with_tls(on_loopback())
    };
    let taken = Listener::open(&on_loopback()).await.unwrap();
    let same = Settings {
        port: taken.address().unwrap().port(),
        ..on_loopback()
    };
    for (settings, said) in [
        (absent, "footfall tokens create"),
        (files.with_tokens(on_loopback()), "line 1"),
        (other_key, "http.key"),
        (same, "choose another address"),
    ] {
        let error = Listener::open(&settings).await.err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_file_of_tokens_holds_no_token_and_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    let token = files.token("someone", &[Scope::Read], None);
    let path = files.path("tokens");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(token.starts_with("ff_") && token.len() == 67, "{token}");
    assert!(!text.contains(&token[3..]), "{text}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let twice = create("someone", &[Scope::Read], Timestamp::UNIX_EPOCH, None).1;
    let refused = files.tokens().change(|tokens| tokens.add(twice));
    assert!(refused.unwrap_err().contains("names are unique"));
    let entries: Vec<Entry> = files.tokens().read().unwrap().entries().to_vec();
    assert_eq!(entries.len(), 1);
}
