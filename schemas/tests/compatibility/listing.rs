//! Every field and enum value of a descriptor set on a line of its own, and what changed between two such lists.

use std::fmt;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// A field or an enum value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The message or enum, with its package.
    owner: String,
    number: i32,
    name: String,
    /// Label and type, for example `repeated uint32`; of an enum's value `value`.
    shape: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{} = {} {}",
            self.owner, self.name, self.number, self.shape
        )
    }
}

/// The entries of a listing, one a line as `Display` writes them.
pub fn parse(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let (path, rest) = line.split_once(" = ")?;
        let (owner, name) = path.rsplit_once('.')?;
        let (number, shape) = rest.split_once(' ')?;
        let (owner, name, shape) = (owner.to_owned(), name.to_owned(), shape.to_owned());
        Some(Entry {
            owner,
            number: number.parse().ok()?,
            name,
            shape,
        })
    };
    text.lines()
        .map(|line| entry(line).unwrap_or_else(|| panic!("fields.txt: this is no entry: {line:?}")))
        .collect()
}

/// The entries of a descriptor set, sorted.
pub fn list(set: &FileDescriptorSet) -> Vec<Entry> {
    let mut entries = Vec::new();
    for file in &set.file {
        file.message_type
            .iter()
            .for_each(|message| add_message(&mut entries, file.package(), message));
        file.enum_type
            .iter()
            .for_each(|kind| add_enum(&mut entries, file.package(), kind));
    }
    entries.sort();
    entries
}

fn add_message(entries: &mut Vec<Entry>, scope: &str, message: &DescriptorProto) {
    let owner = format!("{scope}.{}", message.name());
    entries.extend(message.field.iter().map(|field| Entry {
        owner: owner.clone(),
        number: field.number(),
        name: field.name().to_owned(),
        shape: format!("{} {}", label(message, field), type_name(field)),
    }));
    message
        .nested_type
        .iter()
        .for_each(|nested| add_message(entries, &owner, nested));
    message
        .enum_type
        .iter()
        .for_each(|kind| add_enum(entries, &owner, kind));
}

fn add_enum(entries: &mut Vec<Entry>, scope: &str, kind: &EnumDescriptorProto) {
    entries.extend(kind.value.iter().map(|value| Entry {
        owner: format!("{scope}.{}", kind.name()),
        number: value.number(),
        name: value.name().to_owned(),
        shape: "value".to_owned(),
    }));
}

fn label(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    match (field.label(), field.oneof_index) {
        _ if field.proto3_optional() => "optional".to_owned(),
        (_, Some(index)) => format!("oneof {}", message.oneof_decl[index as usize].name()),
        (Label::Repeated, None) => "repeated".to_owned(),
        (Label::Optional, None) => "singular".to_owned(),
        (Label::Required, None) => "required".to_owned(),
    }
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum | Type::Group => {
            field.type_name().trim_start_matches('.').to_owned()
        }
        scalar => scalar
            .as_str_name()
            .trim_start_matches("TYPE_")
            .to_ascii_lowercase(),
    }
}

/// A sentence for each released entry that is no longer what it was.
pub fn breaks(released: &[Entry], now: &[Entry]) -> Vec<String> {
    released.iter().filter_map(|old| broken(old, now)).collect()
}

fn broken(old: &Entry, now: &[Entry]) -> Option<String> {
    let mut of_owner = now.iter().filter(|new| new.owner == old.owner);
    let path = format!("{}.{}", old.owner, old.name);
    if let Some(new) = of_owner.clone().find(|new| new.name == old.name) {
        return if new.number != old.number {
            Some(format!(
                "{path} was renumbered from {} to {}: records in the log would be read wrongly; give it its number back and take a new field for a new meaning",
                old.number, new.number
            ))
        } else if new.shape != old.shape {
            Some(format!(
                "{path} was changed from {} to {}: records in the log and producers have the former; add a field of another name and number instead",
                old.shape, new.shape
            ))
        } else {
            None
        };
    }
    let path = format!("{path} = {}", old.number);
    Some(match of_owner.find(|new| new.number == old.number) {
        Some(new) => format!(
            "{path} was renamed to {}: JSON and producers use the name; give it back, and add a field for a new meaning",
            new.name
        ),
        None => format!(
            "{path} was removed: records in the log carry it and producers send it; put it back"
        ),
    })
}

/// The entries of `now` that were never released.
pub fn additions(released: &[Entry], now: &[Entry]) -> Vec<Entry> {
    let known = |new: &Entry| {
        released
            .iter()
            .any(|old| (&old.owner, old.number) == (&new.owner, new.number))
    };
    now.iter().filter(|new| !known(new)).cloned().collect()
}
