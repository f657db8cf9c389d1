//! What the store makes of errors, and what servers answer to calls that can't be.

use std::sync::Arc;

use async_trait::async_trait;
use pipeline::definition::Definition;
use views::redis::{Raw, Server, ServerError, Store};
use views::{Error, Sink};

use super::world::World;
use crate::redis::{Network, Servers};

struct Answers(ServerError);

#[async_trait]
impl Server for Answers {
    async fn run(&self, _: u16, _: Vec<Vec<u8>>) -> Result<Raw, ServerError> {
        Err(self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn errors_mean_what_they_mean_on_a_network() {
    let world = World::new(0);
    let change = world.change(0, 1);
    let judged = async |error: ServerError| {
        let store = Store::over(Arc::new(Answers(error)), &Definition::default(), || {
            "0".to_owned()
        });
        let store = store.unwrap();
        (
            store.apply(&change).await.unwrap_err(),
            store.stored(0).await.unwrap_err(),
        )
    };
    for said in [
        "FOOTFALL base must be an offset",
        "WRONGTYPE Operation against a key",
        "NOPERM this user has no permissions",
        "NOAUTH Authentication required.",
    ] {
        let errors = judged(ServerError::Said(said.to_owned())).await;
        assert!(
            matches!(errors, (Error::Fatal(_), Error::Fatal(_))),
            "{said}: {errors:?}"
        );
    }
    for said in [
        "LOADING Redis is loading the dataset in memory",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MOVED 3999 127.0.0.1:6381",
        "READONLY You can't write against a read only replica.",
        "ERR Function not found",
    ] {
        let errors = judged(ServerError::Said(said.to_owned())).await;
        assert!(
            matches!(errors, (Error::Transient { .. }, Error::Transient { .. })),
            "{said}: {errors:?}"
        );
    }
    let errors = judged(ServerError::Lost("FOOTFALL WRONGTYPE".to_owned())).await;
    assert!(
        matches!(errors, (Error::Transient { .. }, Error::Transient { .. })),
        "{errors:?}"
    );
}

/// What a server says to a command.
fn say(network: &Network, command: &[&str]) -> Result<Raw, String> {
    let words: Vec<_> = command.iter().map(|word| word.as_bytes().into()).collect();
    let answer = network.servers(|servers| servers.run(9, &words));
    answer.map_err(|error| error.to_string())
}

#[test]
fn values_of_lua_become_answers_as_in_redis_and_failures_undo_nothing() {
    const LIBRARY: &str = "#!lua name=other
        redis.register_function('values', function(keys, args)
          return {1.9, 'a', false, true, {2, {}}, redis.call('TYPE', 'k'), nil, 3}
        end)
        redis.register_function('half', function(keys, args)
          redis.call('HSET', keys[1], 'f', 7)
          redis.call('SADD', keys[1], 'm')
        end)
        redis.register_function('caught', function(keys, args)
          return redis.pcall('SADD', keys[1], 'm')['err']
        end)
        redis.register_function('refuses', function() error({err = 'OUR text'}) end)
        redis.register_function('fails', function() return nil .. 'x' end)
        redis.register_function{function_name = 'reads', flags = {'no-writes'},
          callback = function(keys) return redis.call('HSET', keys[1], 'f', 1) end}";
    let network = Network::new(Servers::new(1));
    let bytes = |text: &str| Raw::Bytes(text.into());
    assert_eq!(
        say(&network, &["FUNCTION", "LOAD", "REPLACE", LIBRARY]),
        Ok(bytes("other"))
    );
    let values = [
        Raw::Int(1),
        bytes("a"),
        Raw::Nil,
        Raw::Int(1),
        Raw::List(vec![Raw::Int(2), Raw::List(Vec::new())]),
        bytes("none"),
    ];
    assert_eq!(
        say(&network, &["FCALL", "values", "0"]),
        Ok(Raw::List(values.into()))
    );
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(
        say(&network, &["FCALL", "half", "1", "k"]),
        Err(wrong.to_owned())
    );
    assert_eq!(
        say(&network, &["HMGET", "k", "f", "g"]),
        Ok(Raw::List(vec![bytes("7"), Raw::Nil]))
    );
    assert_eq!(
        say(&network, &["FCALL", "caught", "1", "k"]),
        Ok(bytes(wrong))
    );
    assert_eq!(
        say(&network, &["FCALL", "refuses", "0"]),
        Err("OUR text".to_owned())
    );
    let starts = |command: &[&str], start: &str| {
        let error = say(&network, command).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    };
    starts(&["FCALL", "fails", "0"], "ERR user_function:13: attempt to");
    starts(&["FCALL", "reads", "1", "k"], "ERR Write commands are not");
    starts(&["FCALL_RO", "half", "1", "k"], "ERR Can not execute");
    starts(&["FCALL", "none", "0"], "ERR Function not found");
    starts(&["FCALL", "half", "2", "k"], "ERR Number of keys");
    starts(&["SET", "k", "v"], "ERR unknown command");
    // The replica gets what the failed call wrote.
    network.servers(|servers| servers.replicate(1, usize::MAX));
    network.servers(|servers| assert_eq!(servers.data(0), servers.data(1)));
}
