#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use super::*;

#[test]
fn secrets_are_not_shown() {
    let mut config = Config::default();
    config.definition.hash_key = "00112233445566778899aabbccddeeff".to_owned();
    config.log.password = "s3cret".into();
    config.redis.url = "redis://footfall:s3cret@127.0.0.1:6379/0".to_owned();
    config.opensearch.urls = vec!["https://admin:s3cret@search:9200".to_owned()];
    let sentinels =
        "sentinel-1:26379?sentinelServiceName=views&sentinelPassword=s3cr@t&node=sentinel-2:26379";
    let mut of_sentinels = config.clone();
    of_sentinels.redis.url = format!("redis-sentinel://footfall:s3cret@{sentinels}");
    let shown = of_sentinels.without_secrets().redis.url;
    assert_eq!(
        shown,
        "redis-sentinel://(hidden)@sentinel-1:26379?sentinelServiceName=views&sentinelPassword=(hidden)&node=sentinel-2:26379"
    );
    config.opensearch.password = "s3cret".to_owned();
    let kafka = [("sasl.password", "s3cret"), ("sasl.username", "footfall")];
    config.log.kafka = kafka.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let options = [
        ("secret_access_key", "s3cret"),
        ("aws_access_key_id", "s3cret"),
        ("region", "us-1"),
    ];
    config.snapshots.options = options.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let printed = toml::to_string(&config.without_secrets()).unwrap_or_default();
    for shown in [printed, format!("{config:?}")] {
        assert!(shown.contains("us-1"), "{shown}");
        assert!(shown.contains("127.0.0.1:6379") && shown.contains("search:9200"));
        assert!(
            !shown.contains("s3cret") && !shown.contains("00112233"),
            "{shown}"
        );
    }
}

#[test]
fn secrets_that_stand_in_files_are_found_when_the_configuration_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let key = write("key", "00112233445566778899aabbccddeeff\n");
    let redis = write("redis", "redis://:s3cret@127.0.0.1\n");
    let file = write(
        "footfall.toml",
        &format!(
            "[redis]\nurl = \"file:{0}\"\n[snapshots.options]\nsecret_access_key = \"file:{0}\"\n[definition]\nhash_key = \"file:{1}\"\n[log.kafka]\n\"ssl.key.password\" = \"file:{2}\"\n",
            redis.display(),
            key.display(),
            folder.path().join("absent").display(),
        ),
    );
    let overrides = Overrides {
        config: Some(file),
        ..Overrides::default()
    };
    let said = format!("{:#}", Config::load(&overrides).unwrap_err());
    assert!(said.contains("log.kafka.\"ssl.key.password\""), "{said}");
    write("absent", "s3cret");
    let config = Config::load(&overrides).unwrap();
    assert_eq!(config.redis.url, "redis://:s3cret@127.0.0.1");
    assert_eq!(
        config.snapshots.options["secret_access_key"],
        config.redis.url
    );
    assert_eq!(
        config.definition.hash_key,
        "00112233445566778899aabbccddeeff"
    );
    assert_eq!(config.log.kafka["ssl.key.password"], "s3cret");
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_the_secrets_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footfall.toml");
    for (text, said) in [
        ("[log]\npassword = s3cretPW\n", "line 2"),
        ("[log]\npasword = \"s3cretPW\"\n", "`pasword`"),
        ("[log]\npassword = \"s3cretPW\n", "line 2"),
        ("[log]\npassword = [\"s3cretPW\"]\n", "expected a string"),
        ("[definition]\nhash_key = 1234567890\n", "expected a string"),
        (
            "[definition]\nhash_key = 12345678901234567890123456789012\n",
            "line 2",
        ),
        (
            "[snapshots.options]\nsecret_access_key = s3cretPW\n",
            "line 2",
        ),
        ("[redis]\nurl = redis://u:s3cretPW@host\n", "line 2"),
        ("[processor]\nhot_ms = \"s3cretPW\"\n", "line 2"),
        (
            "[snapshots]\nurl = \"gs://k:s3cretPW@bucket\"\n",
            "snapshots.url",
        ),
        ("[redis]\nurl = \"tls://u:s3cretPW@host\"\n", "redis.url"),
        (
            "[opensearch]\nurls = [\"ftp://u:s3cretPW@host\"]\n",
            "opensearch",
        ),
        ("[definition]\nhash_key = \"s3cretPW\"\n", "hash_key"),
    ] {
        std::fs::write(&path, text).unwrap();
        let overrides = Overrides {
            config: Some(path.clone()),
            kafka: Some("127.0.0.1:9092".to_owned()),
            ..Overrides::default()
        };
        let error = match Config::load(&overrides) {
            Ok(config) => config.check(true).unwrap_err(),
            Err(error) => error,
        };
        for shown in [format!("{error:#}"), format!("{error:?}")] {
            assert!(shown.contains(said), "{text}: {shown}");
            let is_told = ["s3cret", "1234567890"].iter().any(|of| shown.contains(of));
            assert!(!is_told, "{shown}");
        }
    }
}

#[test]
fn the_hash_key_is_kept_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data: folder.path().join("data"),
        ..Config::default()
    };
    config.make_key().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&config.data), 0o700);
    assert_eq!(mode(&key_path(&config.data)), 0o600);
    let kept = kept_key(&config.data).unwrap();
    assert_eq!(kept.as_ref().map(String::len), Some(32));
    config.make_key().unwrap();
    assert_eq!(kept_key(&config.data).unwrap(), kept, "it stays");
}

#[test]
fn a_setting_that_does_not_exist_is_refused_by_name() {
    let error = toml::from_str::<Config>("[processor]\ncheckpoint_sm = 3\n");
    assert!(error.is_err_and(|error| error.to_string().contains("checkpoint_sm")));
}

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// Tables of whatever names a library has.
const OPEN: [&str; 2] = ["log.kafka", "snapshots.options"];

/// A printed configuration's settings by dotted name, with their values.
fn settings(config: &Config) -> BTreeMap<String, toml::Value> {
    fn add(name: &str, value: toml::Value, to: &mut BTreeMap<String, toml::Value>) {
        match value {
            toml::Value::Table(table) if !OPEN.contains(&name) => {
                for (key, value) in table {
                    let dot = if name.is_empty() { "" } else { "." };
                    add(&format!("{name}{dot}{key}"), value, to);
                }
            }
            value => {
                to.insert(name.to_owned(), value);
            }
        }
    }
    let mut found = BTreeMap::new();
    let printed = toml::Value::try_from(config).unwrap();
    add("", printed, &mut found);
    found
}

/// The rows of the page's table: setting, default, unit, meaning, variable, flag.
fn rows() -> Vec<Vec<&'static str>> {
    PAGE.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells = line[1..line.len() - 1].split('|');
            cells.map(|cell| cell.trim().trim_matches('`')).collect()
        })
        .collect()
}

#[test]
fn what_is_printed_reads_back_whatever_is_set() {
    let mut cases = 0;
    for hot_days in [None, Some(7)] {
        for lateness_ms in [None, Some(0), Some(60_000)] {
            for servers in [false, true] {
                let mut config = Config::default();
                config.definition.hot_days = hot_days;
                config.definition.lateness_ms = lateness_ms;
                if servers {
                    config.log.brokers = "kafka-1:9092,kafka-2:9092".to_owned();
                    let linger = ("linger.ms".to_owned(), "5".to_owned());
                    config.log.kafka = [linger].into();
                    config.redis.url = "redis://127.0.0.1:6379".to_owned();
                    config.opensearch.urls = vec!["http://127.0.0.1:9200".to_owned()];
                }
                let printed = toml::to_string(&config.without_secrets()).unwrap();
                assert_eq!(toml::from_str(&printed), Ok(config), "{printed}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 12);
}

#[test]
fn a_lateness_that_is_neither_a_number_nor_none_is_refused_with_what_it_may_be() {
    let error = toml::from_str::<Config>("[definition]\nlateness_ms = \"never\"\n");
    let said = error.unwrap_err().to_string();
    assert!(said.contains("milliseconds, or \"none\""), "{said}");
}

#[test]
fn the_page_has_every_setting_with_its_default_and_no_other() {
    let printed = settings(&Config::default());
    let printed: Vec<(&str, String)> = printed
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_string()))
        .collect();
    let mut described: Vec<(&str, String)> = rows()
        .iter()
        .map(|row| (row[0], row[1].to_owned()))
        .collect();
    described.sort();
    assert_eq!(described, printed);
}

#[test]
fn the_page_has_every_variable_and_flag_beside_a_setting_and_no_other() {
    let command = <Overrides as clap::Args>::augment_args(clap::Command::new("footfall"));
    let mut told: Vec<(String, String)> = command
        .get_arguments()
        // The file itself is no setting of the file.
        .filter(|argument| argument.get_id() != "config")
        .map(|argument| {
            let variable = argument.get_env().unwrap().to_string_lossy();
            (
                variable.into_owned(),
                format!("--{}", argument.get_long().unwrap()),
            )
        })
        .collect();
    for variable in [KAFKA_USER, KAFKA_PASSWORD] {
        told.push((variable.to_owned(), String::new()));
    }
    told.sort();
    let mut described: Vec<(String, String)> = rows()
        .iter()
        .filter(|row| !(row[4].is_empty() && row[5].is_empty()))
        .map(|row| (row[4].to_owned(), row[5].to_owned()))
        .collect();
    described.sort();
    assert_eq!(described, told);
}

/// A configuration without problems, on servers.
fn good() -> Config {
    let mut config = Config::default();
    config.log.brokers = "127.0.0.1:9092".to_owned();
    config.redis.url = "redis://127.0.0.1:6379".to_owned();
    config.opensearch.urls = vec!["http://127.0.0.1:9200".to_owned()];
    config.definition.hash_key = "00112233445566778899aabbccddeeff".to_owned();
    config
}

#[test]
fn every_value_that_no_process_can_use_is_a_problem_that_names_its_setting() {
    assert_eq!(good().problems(true), Vec::<String>::new());
    type Change = fn(&mut Config);
    let cases: [(&str, Change); 30] = [
        ("redis.url", |c| c.redis.url = "nonsense".to_owned()),
        ("opensearch", |c| {
            c.opensearch.urls = vec!["not a url".to_owned()]
        }),
        ("opensearch", |c| {
            c.opensearch.urls = vec!["localhost:9200".to_owned()]
        }),
        ("opensearch", |c| {
            c.opensearch.prefix = "No Index".to_owned()
        }),
        ("opensearch.password", |c| {
            c.opensearch.user = "me".to_owned()
        }),
        ("opensearch.ca", |c| c.opensearch.ca = "/nowhere.pem".into()),
        ("opensearch.key", |c| {
            c.opensearch.certificate = "/nowhere.pem".into()
        }),
        ("opensearch.shards", |c| c.opensearch.shards = 0),
        ("processor.checkpoint_ms", |c| c.processor.checkpoint_ms = 0),
        ("processor.checkpoint_records", |c| {
            c.processor.checkpoint_records = 0
        }),
        ("processor.hot_ms", |c| c.processor.hot_ms = 0),
        ("processor.history_ms", |c| c.processor.history_ms = 0),
        ("processor.memory_mib", |c| c.processor.memory_mib = 10),
        ("snapshots.every_s", |c| c.snapshots.every_s = 0),
        ("snapshots.keep", |c| c.snapshots.keep = 0),
        ("snapshots.url", |c| {
            c.snapshots.url = "/var/snapshots".to_owned()
        }),
        ("snapshots.url", |c| {
            c.snapshots.url = "gs://bucket".to_owned()
        }),
        ("snapshots.options", |c| {
            c.snapshots.url = "s3://bucket".to_owned();
            c.snapshots.options = [("sekret".to_owned(), String::new())].into();
        }),
        ("snapshots.options", |c| {
            c.snapshots.options = [("region".to_owned(), String::new())].into();
        }),
        ("log.brokers", |c| c.log.brokers = "a:1,,b:2".to_owned()),
        ("log.topic_prefix", |c| {
            c.log.topic_prefix = "a b".to_owned()
        }),
        ("log.group", |c| c.log.group.clear()),
        ("log.password", |c| c.log.security = Security::SaslSsl),
        ("leave it out of log.kafka", |c| {
            c.log.security = Security::Ssl;
            let name = "security.protocol".to_owned();
            c.log.kafka.insert(name, "ssl".to_owned());
        }),
        ("http.key", |c| c.http.certificate = "a.pem".into()),
        ("http.ca", |c| c.http.ca = "/nowhere.pem".into()),
        ("log.brokers", |c| c.log.brokers.clear()),
        ("hash_key", |c| c.definition.hash_key.clear()),
        ("time zone", |c| c.definition.time_zone = "Seoul".to_owned()),
        ("definition.lateness_ms", |c| {
            c.definition.lateness_ms = Some(-1)
        }),
    ];
    for (name, change) in cases {
        let mut config = good();
        change(&mut config);
        let problems = config.problems(true);
        assert!(
            problems.len() == 1 && problems[0].contains(name),
            "{name}: {problems:?}"
        );
    }
}

#[test]
fn who_only_appends_needs_no_hash_key() {
    let mut config = good();
    config.definition.hash_key.clear();
    assert_eq!(config.problems(false), Vec::<String>::new());
}
