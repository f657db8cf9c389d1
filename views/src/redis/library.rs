//! The functions inside Redis: loading them, and where they are missing loading them again.

use fred::interfaces::ClientLike;
use fred::types::config::Options;
use fred::types::{ClusterHash, CustomCommand, Value};

use super::connect::primaries;
use super::failure::{failed, transient};
use super::moving::whole;
use super::{Access, Store};
use crate::{Error, Finding};

/// What a reader calls functions by.
const TO_READ: &str = "FCALL_RO";
/// What loads a library.
const FUNCTION: &str = "FUNCTION";
/// Calls of a function and a load of a library that can't be: they end with an error whoever makes them.
const IDLE_CALLS: [(&str, &[&str]); 3] = [
    (TO_READ, &["footfall_no_such_function", "0"]),
    ("FCALL", &["footfall_no_such_function", "0"]),
    (FUNCTION, &["LOAD", "#!no_such_engine name=footfall\n"]),
];

/// The functions, loaded into Redis under the name in the first line.
const LIBRARY: &str = include_str!("footfall.lua");

impl Store {
    /// Loads the functions into every server that holds slots.
    pub(super) async fn load_everywhere(&self) -> Result<(), Error> {
        let client = self.client()?;
        let loads = primaries(client).into_iter().map(|primary| async move {
            let load = CustomCommand::new_static(FUNCTION, ClusterHash::Random, false);
            match primary {
                Some(server) => {
                    let client = client.with_cluster_node(server);
                    client.custom::<Value, _>(load, arguments()).await
                }
                None => client.custom(load, arguments()).await,
            }
        });
        let loaded = futures::future::join_all(loads).await;
        loaded.into_iter().try_for_each(|loaded| self.judge(loaded))
    }

    /// Loads them into the server that holds a slot: it was restarted empty, promoted before they
    /// reached it, or added to the cluster.
    pub(super) async fn load_at(&self, slot: u16) -> Result<(), Error> {
        tracing::info!("Redis has lost Footfall's functions, or never had them; loading them");
        self.judge(whole(|| self.wire.send(FUNCTION, slot, arguments())).await)
    }

    /// Rights to call and load functions that the user lacks, found by calls which do nothing: servers look at rights first.
    pub(super) async fn rights(&self) -> Result<Option<Finding>, Error> {
        let connected = self.client()?;
        for primary in primaries(connected) {
            let client = match primary {
                Some(server) => connected.with_cluster_node(server),
                None => connected.with_options(&Options::default()),
            };
            for (command, arguments) in IDLE_CALLS {
                let arguments = arguments.iter().map(|word| Value::from_static_str(word));
                let call = CustomCommand::new_static(command, ClusterHash::Random, false);
                let called = client.custom::<Value, _>(call, arguments.collect::<Vec<_>>());
                let Err(error) = called.await else { continue };
                if !error.details().starts_with("NOPERM") {
                    continue;
                }
                if command == TO_READ {
                    return Err(failed(error));
                }
                return Ok(Some(Finding::warning(format!(
                    "the user of redis.url may read the views and not write them ({}): `footfall api` starts with it, `footfall process` does not; docs/operations.md has the ACL SETUSER lines with every right that Footfall needs",
                    error.details()
                ))));
            }
        }
        Ok(None)
    }

    fn judge(&self, loaded: Result<Value, fred::error::Error>) -> Result<(), Error> {
        match loaded {
            Ok(_) => Ok(()),
            Err(error) if error.details().contains("unknown command") => Err(Error::Fatal(
                "Redis must be version 7 or later: this one has no functions".to_owned(),
            )),
            // A reader need not be allowed to: a processor will.
            Err(error) if self.access == Access::Read && error.details().starts_with("NOPERM") => {
                Err(transient(
                    "it has not got Footfall's functions; a processor loads them when it starts or writes",
                ))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn arguments() -> Vec<Value> {
    ["LOAD", "REPLACE", LIBRARY]
        .map(Value::from_static_str)
        .into()
}

/// Whether a call failed because the server has no such function.
pub(super) fn is_missing(error: &fred::error::Error) -> bool {
    error.details().contains("Function not found")
}

/// The commands that the functions run, each once: their caller needs the right to each.
pub(super) fn commands() -> std::collections::BTreeSet<&'static str> {
    let calls = ["call('", "call_with('"].map(|call| LIBRARY.split(call).skip(1));
    let named = calls.into_iter().flatten();
    named.filter_map(|rest| rest.split('\'').next()).collect()
}
