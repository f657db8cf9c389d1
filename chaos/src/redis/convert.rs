//! Values between Lua and Redis, as Redis converts them.

use mlua::{Lua, Table};

use super::dataset::{Answer, Bytes, Value};

/// A word of a command; `None` for what Redis takes for none.
pub(super) fn word(value: &mlua::Value) -> Option<Bytes> {
    match value {
        mlua::Value::String(text) => Some(Bytes::from(&*text.as_bytes())),
        mlua::Value::Integer(number) => Some(number.to_string().into_bytes().into()),
        mlua::Value::Number(number) => Some(number.to_string().into_bytes().into()),
        _ => None,
    }
}

/// An answer as the function that asked sees it.
pub(super) fn to_lua(lua: &Lua, value: Value) -> mlua::Result<mlua::Value> {
    Ok(match value {
        Value::Nil => mlua::Value::Boolean(false),
        Value::Int(number) => mlua::Value::Integer(number),
        Value::Bytes(bytes) => mlua::Value::String(lua.create_string(bytes)?),
        Value::Status(text) => return table_of(lua, "ok", text),
        Value::List(list) => {
            let table = lua.create_table_with_capacity(list.len(), 0)?;
            for value in list {
                table.raw_push(to_lua(lua, value)?)?;
            }
            mlua::Value::Table(table)
        }
    })
}

/// A table with one field: how Redis tells an error or a status.
pub(super) fn table_of(lua: &Lua, field: &str, text: &str) -> mlua::Result<mlua::Value> {
    let table = lua.create_table()?;
    table.raw_set(field, text)?;
    Ok(mlua::Value::Table(table))
}

/// What a function's value is as an answer.
pub(super) fn answer(value: mlua::Value) -> Answer {
    Ok(match value {
        mlua::Value::String(text) => Value::Bytes(Bytes::from(&*text.as_bytes())),
        mlua::Value::Integer(number) => Value::Int(number),
        mlua::Value::Number(number) => Value::Int(number as i64),
        mlua::Value::Boolean(true) => Value::Int(1),
        mlua::Value::Table(table) => {
            if let Ok(mlua::Value::String(text)) = table.raw_get("err") {
                return Err(text.to_string_lossy());
            }
            if let Ok(mlua::Value::String(text)) = table.raw_get("ok") {
                return Ok(Value::Bytes(Bytes::from(&*text.as_bytes())));
            }
            // Up to the first nil, as in Redis.
            let values = table.sequence_values::<mlua::Value>();
            let values = values.map(|value| answer(value.map_err(|error| error.to_string())?));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        _ => Value::Nil,
    })
}

/// The text of an error that a function raised.
pub(super) fn error_of(table: &Table) -> String {
    table
        .get("err")
        .unwrap_or_else(|_| "ERR an error without a text".to_owned())
}
