//! What was released stays: bytes once valid decode for ever, and no field or name changes under its readers.
//!
//! After adding a field, an enum value or a message: `UPDATE_GOLDEN=1 cargo test -p schemas --test compatibility`. It
//! adds lines and files; it never changes one that is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "compatibility/listing.rs"]
mod listing;
#[path = "compatibility/messages.rs"]
mod messages;

use std::fs;
use std::path::PathBuf;

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::{Label, Type};
use schemas::{headers, topics, v1};

use listing::{Entry, additions, breaks, list, parse};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden/v1")
        .join(name)
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1")
}

/// The file's content; written first where it is missing and an update is asked for.
fn released(name: &str, now: &[u8]) -> Vec<u8> {
    let path = golden(name);
    if updating() && !path.exists() {
        fs::write(&path, now).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; a new message is recorded by running this test with UPDATE_GOLDEN=1",
            path.display()
        )
    })
}

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(schemas::DESCRIPTORS).unwrap()
}

fn released_listing() -> Vec<Entry> {
    parse(&fs::read_to_string(golden("fields.txt")).unwrap_or_default())
}

#[test]
fn no_released_field_or_enum_value_was_removed_renumbered_retyped_or_renamed() {
    let broken = breaks(&released_listing(), &list(&descriptors()));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_field_and_enum_value_is_recorded() {
    let (released, now) = (released_listing(), list(&descriptors()));
    let added = additions(&released, &now);
    if updating() && breaks(&released, &now).is_empty() {
        let mut all = released;
        all.extend(added);
        all.sort();
        let text: String = all.iter().map(|entry| format!("{entry}\n")).collect();
        fs::write(golden("fields.txt"), text).unwrap();
        return;
    }
    let lines: Vec<_> = added.iter().map(Entry::to_string).collect();
    assert!(
        lines.is_empty(),
        "not recorded in golden/v1/fields.txt; once you are sure of name, number and type, for they stay for ever, \
         run this test with UPDATE_GOLDEN=1:\n{}",
        lines.join("\n")
    );
}

#[test]
fn golden_bytes_of_every_message_decode_to_the_same_values_and_encode_to_the_same_bytes() {
    for shape in messages::all() {
        let bytes = released(&format!("{}.bin", shape.name), &shape.encoded);
        let text = released(&format!("{}.txt", shape.name), shape.text.as_bytes());
        let (decoded, encoded) = (shape.read)(&bytes);
        assert_eq!(
            decoded,
            String::from_utf8(text).unwrap(),
            "{}: decodes to other values",
            shape.name
        );
        assert_eq!(encoded, bytes, "{}: encodes to other bytes", shape.name);
        assert_eq!(
            shape.encoded, bytes,
            "{}: its values encode to other bytes",
            shape.name
        );
    }
}

#[test]
fn every_golden_file_is_read_by_this_test() {
    if updating() {
        return; // The other tests are still writing them.
    }
    let mut expected: Vec<_> = messages::all()
        .iter()
        .flat_map(|shape| ["bin", "txt"].map(|end| format!("{}.{end}", shape.name)))
        .collect();
    expected.extend(["event-unknown-field.bin", "fields.txt"].map(str::to_owned));
    let found = fs::read_dir(golden(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let (mut found, mut expected): (Vec<_>, _) = (found.collect(), expected);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn an_event_of_a_later_version_gives_the_fields_known_today() {
    let visit = messages::visit();
    let mut later = visit.encode_to_vec();
    // Field 2000, a varint; field 2001, a text.
    later.extend([0x80, 0x7d, 0x2a, 0x8a, 0x7d, 0x05]);
    later.extend(b"later");
    let bytes = released("event-unknown-field.bin", &later);
    let decoded = v1::Event::decode(bytes.as_slice()).unwrap();
    assert_eq!(decoded, visit);
    // What is unknown is left out when encoded again: dead letters therefore keep the bytes themselves.
    assert_eq!(decoded.encode_to_vec(), visit.encode_to_vec());
}

#[test]
fn topics_and_headers_keep_their_names() {
    assert_eq!(
        [
            topics::EVENTS,
            topics::DEAD_LETTERS,
            topics::ENTRIES,
            topics::CAMPAIGNS
        ],
        [
            "footfall.events",
            "footfall.dead-letters",
            "footfall.entries",
            "footfall.campaigns"
        ]
    );
    assert_eq!(
        [headers::SOURCE, headers::SEQUENCE, headers::REPLAY_OF],
        ["footfall-source", "footfall-sequence", "footfall-replay-of"]
    );
    assert_eq!(
        [
            headers::REASON,
            headers::DETAIL,
            headers::PARTITION,
            headers::OFFSET,
            headers::APPENDED_AT
        ],
        [
            "footfall-reason",
            "footfall-detail",
            "footfall-partition",
            "footfall-offset",
            "footfall-appended-at"
        ]
    );
}

/// The sentences the checker says when `change` is made to `footfall.v1.Event`.
fn said_after(change: impl FnOnce(&mut prost_types::DescriptorProto)) -> Vec<String> {
    let mut doctored = descriptors();
    let event = doctored
        .file
        .iter_mut()
        .flat_map(|file| &mut file.message_type)
        .find(|message| message.name() == "Event")
        .unwrap();
    change(event);
    breaks(&list(&descriptors()), &list(&doctored))
}

fn field<'a>(
    message: &'a mut prost_types::DescriptorProto,
    name: &str,
) -> &'a mut prost_types::FieldDescriptorProto {
    message
        .field
        .iter_mut()
        .find(|field| field.name() == name)
        .unwrap()
}

#[test]
fn the_checker_names_a_removed_field() {
    let said = said_after(|event| event.field.retain(|field| field.name() != "user_agent"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("footfall.v1.Event.user_agent = 7 was removed"),
        "{said:?}"
    );
}

#[test]
fn the_checker_names_a_renumbered_field() {
    let said = said_after(|event| field(event, "user_agent").number = Some(17));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("footfall.v1.Event.user_agent was renumbered from 7 to 17"),
        "{said:?}"
    );
}

#[test]
fn the_checker_names_a_retyped_field_and_a_changed_label() {
    let said = said_after(|event| field(event, "user_agent").set_type(Type::Bytes));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("user_agent was changed from singular string to singular bytes"),
        "{said:?}"
    );
    let said = said_after(|event| field(event, "campaign_id").set_label(Label::Repeated));
    assert!(
        said[0].contains("campaign_id was changed from singular string to repeated string"),
        "{said:?}"
    );
    let said = said_after(|event| field(event, "signed_up_at_ms").proto3_optional = None);
    assert!(
        said[0].contains("signed_up_at_ms was changed from optional int64 to"),
        "{said:?}"
    );
    let said = said_after(|event| {
        field(event, "amount").type_name = Some(".footfall.v1.ClientHints".to_owned())
    });
    assert!(
        said[0].contains("from singular footfall.v1.Amount to singular footfall.v1.ClientHints"),
        "{said:?}"
    );
}

#[test]
fn the_checker_names_a_renamed_field_and_two_that_changed_places() {
    let said = said_after(|event| field(event, "user_agent").name = Some("agent".to_owned()));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("footfall.v1.Event.user_agent = 7 was renamed to agent"),
        "{said:?}"
    );
    let said = said_after(|event| {
        field(event, "campaign_id").number = Some(6);
        field(event, "activity_id").number = Some(5);
    });
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn the_checker_names_a_changed_enum_value_and_a_removed_message() {
    let mut doctored = descriptors();
    let kind = doctored
        .file
        .iter_mut()
        .flat_map(|file| &mut file.enum_type)
        .find(|kind| kind.name() == "Kind")
        .unwrap();
    kind.value
        .iter_mut()
        .find(|value| value.name() == "KIND_PURCHASE")
        .unwrap()
        .number = Some(40);
    let said = breaks(&list(&descriptors()), &list(&doctored));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("footfall.v1.Kind.KIND_PURCHASE was renumbered from 4 to 40"),
        "{said:?}"
    );

    let mut doctored = descriptors();
    doctored.file.iter_mut().for_each(|file| {
        file.message_type
            .retain(|message| message.name() != "Amount")
    });
    let said = breaks(&list(&descriptors()), &list(&doctored));
    assert_eq!(said.len(), 2, "both fields of Amount: {said:?}");
}

#[test]
fn an_added_field_breaks_nothing_and_asks_to_be_recorded() {
    let mut extended = descriptors();
    let event = extended
        .file
        .iter_mut()
        .flat_map(|file| &mut file.message_type)
        .find(|m| m.name() == "Event")
        .unwrap();
    let mut added = field(event, "user_agent").clone();
    (added.name, added.number) = (Some("page".to_owned()), Some(11));
    event.field.push(added);
    let (before, after) = (list(&descriptors()), list(&extended));
    assert!(breaks(&before, &after).is_empty());
    let added: Vec<_> = additions(&before, &after)
        .iter()
        .map(Entry::to_string)
        .collect();
    assert_eq!(added, ["footfall.v1.Event.page = 11 singular string"]);
}
