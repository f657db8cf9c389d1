//! One function call and its reply.

use fred::types::Value;

use super::Store;
use super::library::is_missing;
use super::moving::whole;
use super::server::slot;
use crate::Error;

/// A function of the library. The name carries the library's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Apply,
    Begin,
    Chunk,
    Flip,
    Sweep,
    Read,
    Names,
}

impl Function {
    const fn name(self) -> &'static str {
        match self {
            Self::Apply => "footfall_1_apply",
            Self::Begin => "footfall_1_begin",
            Self::Chunk => "footfall_1_chunk",
            Self::Flip => "footfall_1_flip",
            Self::Sweep => "footfall_1_sweep",
            Self::Read => "footfall_1_read",
            Self::Names => "footfall_1_names",
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::Read | Self::Names => "FCALL_RO",
            _ => "FCALL",
        }
    }
}

/// What a function answers.
#[derive(Debug)]
pub(super) enum Reply {
    /// The store holds the partition up to here.
    At(u64),
    /// It doesn't hold the partition; of a read, which of those asked for.
    Missing(usize),
    /// The images now read are these.
    Moved(Vec<String>),
    /// Done.
    Done,
    /// The fill is no longer the partition's: start again.
    Again,
    /// What was read.
    Rows(Vec<Value>),
}

impl Store {
    /// Calls a function; loads the library first if the server lost it.
    pub(super) async fn call(
        &self,
        function: Function,
        keys: Vec<Value>,
        args: Vec<Value>,
    ) -> Result<Reply, Error> {
        let hash = keys.first().and_then(Value::as_bytes);
        let slot = slot(hash.unwrap_or_default());
        let mut list = Vec::with_capacity(2 + keys.len() + args.len());
        list.push(Value::from(function.name()));
        list.push(Value::Integer(keys.len() as i64));
        list.extend(keys);
        list.extend(args);
        let send = || self.wire.send(function.command(), slot, list.clone());
        let mut reply = whole(send).await;
        if reply.as_ref().is_err_and(is_missing) {
            self.load_at(slot).await?;
            reply = whole(send).await;
        }
        parse(reply.map_err(|error| self.failed(error))?)
    }
}

fn parse(reply: Value) -> Result<Reply, Error> {
    let strange = || {
        Error::Fatal(
        "Redis answered in a form that Footfall doesn't know; is its function library footfall_1 from another program?".to_owned(),
    )
    };
    let Value::Array(mut list) = reply else {
        return Err(strange());
    };
    let number = |at: usize| list.get(at).and_then(Value::as_u64);
    Ok(match list.first().and_then(Value::as_str).as_deref() {
        Some("at") => Reply::At(number(1).ok_or_else(strange)?),
        Some("missing") => Reply::Missing(number(1).unwrap_or(0) as usize),
        Some("ok") => Reply::Done,
        Some("again") => Reply::Again,
        Some("moved") => {
            let tokens = list.drain(1..).map(|token| token.into_string());
            Reply::Moved(tokens.collect::<Option<_>>().ok_or_else(strange)?)
        }
        Some("rows") => {
            list.remove(0);
            Reply::Rows(list)
        }
        _ => return Err(strange()),
    })
}
