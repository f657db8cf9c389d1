//! Redis Functions: the Lua of a thread, which runs the libraries that a dataset holds.
//!
//! As in Redis, a function that fails half way leaves what it has written. Each library text is compiled once a thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Table};

use super::convert::{answer, error_of, table_of, to_lua, word};
use super::dataset::{Answer, Bytes, Dataset, Value, writes};

/// Commands that changed something, in order: what a primary tells its replicas.
pub(super) type Writes = Vec<Vec<Bytes>>;

/// `redis.call` ends the function when the answer is an error, `redis.pcall` doesn't.
const PRELUDE: &str = r"
local run, register = ...
redis = {pcall = run, register_function = register}
function redis.call(...)
  local answer = run(...)
  if type(answer) == 'table' and answer.err then error(answer) end
  return answer
end
return pcall
";

thread_local! {
    static SCRIPTS: Scripts = Scripts::new().expect("Lua starts");
    /// What the function that runs now works on.
    static RUNNING: RefCell<Running> = RefCell::default();
}

#[derive(Default)]
struct Running {
    data: Dataset,
    read_only: bool,
    writes: Writes,
    /// What the library that loads now registers.
    registered: BTreeMap<String, Registered>,
}

struct Registered {
    function: Function,
    read_only: bool,
}

struct Library {
    text: Arc<str>,
    functions: BTreeMap<String, Registered>,
}

struct Scripts {
    lua: Lua,
    pcall: Function,
    libraries: RefCell<Vec<Rc<Library>>>,
}

/// Runs any command, and tells which writes it came to.
pub(super) fn run(data: &mut Dataset, command: &[Bytes]) -> (Answer, Writes) {
    let name = command.first().map_or(&b""[..], |name| name);
    match name {
        b"FCALL" | b"FCALL_RO" => call(data, name == b"FCALL_RO", &command[1..]),
        b"FUNCTION" => {
            let answer = load(data, &command[1..]);
            let writes = answer.iter().map(|_| command.to_vec()).collect();
            (answer, writes)
        }
        _ => {
            let answer = data.run(command);
            let writes = (answer.is_ok() && writes(name)).then(|| command.to_vec());
            (answer, writes.into_iter().collect())
        }
    }
}

/// `FUNCTION LOAD REPLACE text`.
fn load(data: &mut Dataset, args: &[Bytes]) -> Answer {
    let [verb, replace, text] = args else {
        return Err("ERR the simulator's Redis knows FUNCTION LOAD REPLACE only".to_owned());
    };
    let text = std::str::from_utf8(text).map_err(|_| "ERR the library is no text")?;
    if &**verb != b"LOAD" || &**replace != b"REPLACE" {
        return Err("ERR the simulator's Redis knows FUNCTION LOAD REPLACE only".to_owned());
    }
    let name = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("#!lua name="));
    let name = name.ok_or("ERR Missing library metadata")?.trim();
    let library = SCRIPTS.with(|scripts| scripts.library(text))?;
    data.libraries.insert(name.to_owned(), library.text.clone());
    Ok(Value::Bytes(name.as_bytes().into()))
}

/// `FCALL name keys… args…`.
fn call(data: &mut Dataset, read_only: bool, args: &[Bytes]) -> (Answer, Writes) {
    let (name, keys, args) = match parse(args) {
        Ok(parsed) => parsed,
        Err(error) => return (Err(error), Writes::new()),
    };
    SCRIPTS.with(|scripts| {
        let library = match scripts.library_with(data, name) {
            Ok(library) => library,
            Err(error) => return (Err(error), Writes::new()),
        };
        let registered = &library.functions[name];
        if read_only && !registered.read_only {
            let error = "ERR Can not execute a script with write flag using *_ro command.";
            return (Err(error.to_owned()), Writes::new());
        }
        RUNNING.with_borrow_mut(|running| {
            running.read_only = registered.read_only;
            std::mem::swap(&mut running.data, data);
        });
        let answer = scripts.call(&registered.function, keys, args);
        let writes = RUNNING.with_borrow_mut(|running| {
            std::mem::swap(&mut running.data, data);
            std::mem::take(&mut running.writes)
        });
        (answer, writes)
    })
}

/// The function's name, the keys and the arguments.
fn parse(args: &[Bytes]) -> Result<(&str, &[Bytes], &[Bytes]), String> {
    let [name, count, rest @ ..] = args else {
        return Err("ERR wrong number of arguments for 'fcall' command".to_owned());
    };
    let name = std::str::from_utf8(name).map_err(|_| "ERR Function not found")?;
    let count = std::str::from_utf8(count).ok();
    let count: usize = count
        .and_then(|text| text.parse().ok())
        .ok_or("ERR Bad number of keys provided")?;
    if count > rest.len() {
        return Err("ERR Number of keys can't be greater than number of args".to_owned());
    }
    let (keys, args) = rest.split_at(count);
    Ok((name, keys, args))
}

impl Scripts {
    fn new() -> mlua::Result<Self> {
        let lua = Lua::new();
        let run = lua.create_function(|lua, command: MultiValue| from_function(lua, command))?;
        let register = lua.create_function(|_, args: MultiValue| register(args))?;
        let pcall = lua
            .load(PRELUDE)
            .set_name("@prelude")
            .call((run, register))?;
        Ok(Self {
            lua,
            pcall,
            libraries: RefCell::default(),
        })
    }

    /// The library of this text, compiled unless it was.
    fn library(&self, text: &str) -> Result<Rc<Library>, String> {
        let mut libraries = self.libraries.borrow_mut();
        if let Some(known) = libraries.iter().find(|known| *known.text == *text) {
            return Ok(known.clone());
        }
        // The first line is Redis', not Lua's.
        let code = text.split_once('\n').map_or("", |(_, code)| code);
        let loaded = self
            .lua
            .load(format!("\n{code}"))
            .set_name("@user_function")
            .exec();
        let functions = RUNNING.with_borrow_mut(|running| std::mem::take(&mut running.registered));
        loaded.map_err(|error| format!("ERR Error registering functions: {error}"))?;
        let library = Rc::new(Library {
            text: text.into(),
            functions,
        });
        libraries.push(library.clone());
        Ok(library)
    }

    /// The loaded library with this function.
    fn library_with(&self, data: &Dataset, function: &str) -> Result<Rc<Library>, String> {
        for text in data.libraries.values() {
            // Another text only where another thread loaded it.
            let library = match self.compiled(text) {
                Some(library) => library,
                None => self.library(text)?,
            };
            if library.functions.contains_key(function) {
                return Ok(library);
            }
        }
        Err("ERR Function not found".to_owned())
    }

    fn compiled(&self, text: &Arc<str>) -> Option<Rc<Library>> {
        let libraries = self.libraries.borrow();
        let known = libraries
            .iter()
            .find(|known| Arc::ptr_eq(&known.text, text));
        known.cloned()
    }

    fn call(&self, function: &Function, keys: &[Bytes], args: &[Bytes]) -> Answer {
        let called = || -> mlua::Result<(bool, mlua::Value)> {
            let keys = self.lua_list(keys)?;
            let args = self.lua_list(args)?;
            self.pcall.call((function, keys, args))
        };
        match called() {
            Ok((true, value)) => answer(value),
            Ok((false, mlua::Value::Table(table))) => Err(error_of(&table)),
            Ok((false, error)) => Err(format!("ERR {}", error.to_string().unwrap_or_default())),
            Err(error) => Err(format!("ERR {error}")),
        }
    }

    fn lua_list(&self, list: &[Bytes]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(list.len(), 0)?;
        for bytes in list {
            table.raw_push(self.lua.create_string(bytes)?)?;
        }
        Ok(table)
    }
}

/// `redis.register_function(name, function)`, or one table that names both and the flags.
fn register(args: MultiValue) -> mlua::Result<()> {
    let mut args = args.into_iter();
    let (name, function, read_only) = match (args.next(), args.next()) {
        (Some(mlua::Value::String(name)), Some(mlua::Value::Function(function))) => {
            (name.to_str()?.to_owned(), function, false)
        }
        (Some(mlua::Value::Table(table)), None) => {
            let flags: Option<Vec<String>> = table.get("flags")?;
            let read_only = flags.iter().flatten().any(|flag| flag == "no-writes");
            (
                table.get("function_name")?,
                table.get("callback")?,
                read_only,
            )
        }
        _ => {
            return Err(mlua::Error::runtime(
                "wrong arguments to redis.register_function",
            ));
        }
    };
    let registered = Registered {
        function,
        read_only,
    };
    RUNNING.with_borrow_mut(|running| running.registered.insert(name, registered));
    Ok(())
}

/// A command that a function runs. An error is a table with `err`.
fn from_function(lua: &Lua, command: MultiValue) -> mlua::Result<mlua::Value> {
    let words: Option<Vec<Bytes>> = command.iter().map(word).collect();
    let answer = match words {
        Some(words) => RUNNING.with_borrow_mut(|running| running.run(words)),
        None => Err("ERR Lua redis lib command arguments must be strings or integers".to_owned()),
    };
    match answer {
        Ok(value) => to_lua(lua, value),
        Err(text) => table_of(lua, "err", &text),
    }
}

impl Running {
    fn run(&mut self, command: Vec<Bytes>) -> Answer {
        let write = command.first().is_some_and(|name| writes(name));
        if write && self.read_only {
            return Err("ERR Write commands are not allowed from read-only scripts.".to_owned());
        }
        let answer = self.data.run(&command)?;
        if write {
            self.writes.push(command);
        }
        Ok(answer)
    }
}
