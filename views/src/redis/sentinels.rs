//! Asking the sentinels before the client does: which of them answer, and if none, why.
//!
//! The client asks them in their order, and again the first one after each failure: a first one
//! that is frozen would keep it from ever asking the second.

use std::time::Duration;

use fred::prelude::{Builder, Client, ClientLike, Config, ConnectionConfig};
use fred::types::config::{Server, ServerConfig};
use fred::types::{ClusterHash, CustomCommand, Value};

use super::failure::{failed, transient};
use crate::Error;

/// A sentinel that takes longer is asked last.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts the sentinels first that know the primary. Without sentinels it does nothing.
///
/// # Errors
/// When no sentinel knows one, with what the first of them said.
pub(super) async fn put_those_that_answer_first(config: &mut Config) -> Result<(), Error> {
    let ServerConfig::Sentinel {
        hosts,
        service_name,
        username,
        password,
    } = &config.server
    else {
        return Ok(());
    };
    let asked = hosts.iter().map(|host| async {
        let config = Config {
            server: ServerConfig::Centralized {
                server: host.clone(),
            },
            username: username.clone(),
            password: password.clone(),
            tls: config.tls.clone(),
            ..Config::default()
        };
        ask(config, service_name)
            .await
            .map_err(|error| of_sentinel(host, error))
    });
    let answers = futures::future::join_all(asked).await;
    if !answers.iter().any(Result::is_ok) {
        // What a person must mend rather than what may pass.
        let mut errors: Vec<Error> = answers.into_iter().filter_map(Result::err).collect();
        errors.sort_by_key(|error| matches!(error, Error::Transient { .. }));
        return errors.into_iter().next().map_or(Ok(()), Err);
    }
    let mut order: Vec<(bool, Server)> = answers
        .iter()
        .map(Result::is_err)
        .zip(hosts.iter().cloned())
        .collect();
    order.sort_by_key(|(failed, _)| *failed);
    if let ServerConfig::Sentinel { hosts, .. } = &mut config.server {
        *hosts = order.into_iter().map(|(_, host)| host).collect();
    }
    Ok(())
}

/// Whether a sentinel knows the primary.
async fn ask(config: Config, service: &str) -> Result<(), Error> {
    let client = Builder::from_config(config)
        .with_connection_config(|connection: &mut ConnectionConfig| {
            connection.max_command_attempts = 1;
        })
        .build()
        .map_err(failed)?;
    let answer = tokio::time::timeout(PATIENCE, primary_of(&client, service)).await;
    match answer {
        Ok(Ok(Value::Null)) => Err(Error::Fatal(format!(
            "it watches no primary of the name {service:?}: correct sentinelServiceName in redis.url"
        ))),
        Ok(answer) => answer.map(drop).map_err(failed),
        Err(_) => Err(transient(format!("no answer within {PATIENCE:?}"))),
    }
}

async fn primary_of(client: &Client, service: &str) -> Result<Value, fred::error::Error> {
    let connection = client.init().await?;
    let command = CustomCommand::new_static("SENTINEL", ClusterHash::Random, false);
    let answer = client
        .custom(command, vec!["GET-MASTER-ADDR-BY-NAME", service])
        .await;
    connection.abort();
    answer
}

fn of_sentinel(host: &Server, error: Error) -> Error {
    match error {
        Error::Transient { detail, .. } => transient(format!("sentinel {host}: {detail}")),
        Error::Fatal(sentence) => Error::Fatal(format!("sentinel {host}: {sentence}")),
        other => other,
    }
}
