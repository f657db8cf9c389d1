//! How OpenSearch puts a template and a request to make an index together.

use serde_json::{Map, Value};

/// Whether a pattern, in which `*` stands for any text, covers the whole name.
pub(super) fn is_match(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(behind) = name.strip_prefix(head) else {
        return false;
    };
    let ends = behind
        .char_indices()
        .map(|(at, _)| at)
        .chain([behind.len()]);
    ends.into_iter().any(|at| is_match(rest, &behind[at..]))
}

/// Both, ours before theirs wherever both say something. Of a composable template and us, a field is of one; of one of
/// the older kind and us, every part of a field is.
pub(super) fn merged(theirs: &Value, ours: &Value, deep: bool) -> Value {
    let (Some(parts), Some(own)) = (theirs.as_object(), ours.as_object()) else {
        return if ours.is_null() { theirs } else { ours }.clone();
    };
    let mut both = parts.clone();
    for (name, value) in own {
        let value = match parts.get(name) {
            Some(held) if deep || name == "properties" => merged(held, value, deep),
            _ => value.clone(),
        };
        both.insert(name.clone(), value);
    }
    Value::Object(both)
}

/// Settings by dotted names, as text: `{"index": {"a": {"b": 1}}}` is `{"index.a.b": "1"}`.
pub(super) fn flat(settings: &Value) -> Value {
    let mut all = Map::new();
    flatten("", settings, &mut all);
    Value::Object(all)
}

fn flatten(name: &str, value: &Value, to: &mut Map<String, Value>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{part}"), value, to);
            }
        }
        Value::Null => {}
        value => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            // A template of the older kind may leave the first part out.
            let prefix = if name.starts_with("index.") {
                ""
            } else {
                "index."
            };
            to.insert(format!("{prefix}{name}"), Value::String(text));
        }
    }
}
