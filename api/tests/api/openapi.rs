//! The OpenAPI document: whole, every field described, every parameter as served.

use serde_json::Value;

use crate::support::{Recorder, answer, get, json, numbers, scope, state};

async fn document() -> Value {
    let router = api::router(state(&Recorder::of([])));
    let (status, document) = json(&router, "/openapi.json").await;
    assert_eq!(status, 200);
    document
}

/// Every object of the document, with its place.
fn walk<'a>(place: String, value: &'a Value, visit: &mut dyn FnMut(&str, &'a Value)) {
    visit(&place, value);
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| walk(format!("{place}/{name}"), member, visit)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, item)| walk(format!("{place}/{i}"), item, visit)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_of_a_known_version_and_every_reference_leads_somewhere() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["title"], "Footfall");
    let mut references = 0;
    walk(String::new(), &document, &mut |place, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{place}: {target}");
            references += 1;
        }
    });
    assert!(references > 10, "{references} references");
}

fn described(value: &Value) -> bool {
    value["description"]
        .as_str()
        .is_some_and(|text| text.len() > 4)
}

#[tokio::test]
async fn every_field_and_every_parameter_is_described() {
    let document = document().await;
    let mut fields = 0;
    walk(String::new(), &document, &mut |place, value| {
        for (name, field) in value["properties"].as_object().into_iter().flatten() {
            // A field that may be null is described at the type it has otherwise.
            let mut types = field["oneOf"].as_array().into_iter().flatten();
            let said = described(field) || types.any(described);
            assert!(said, "{place}/{name} has no description");
            fields += 1;
        }
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            assert!(described(parameter), "{place}: {parameter}");
        }
    });
    assert!(fields > 50, "{fields} fields");
}

#[tokio::test]
async fn every_documented_parameter_is_known_to_its_route() {
    let document = document().await;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"].as_array();
        let names: Vec<&str> = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        if !path.starts_with("/v1/") {
            assert!(names.is_empty(), "{path}");
            continue;
        }
        let path = path.replace("{id}", "spring");
        let ask = async |query: &str| get(&Recorder::of([]), &format!("{path}?{query}")).await.1;
        let refused = ask("no_such_parameter=1").await;
        let detail = refused["detail"].as_str().unwrap();
        let listed = detail.split_once("it takes ").unwrap().1;
        let mut listed: Vec<&str> = listed.split(", ").collect();
        let mut documented = names.clone();
        listed.sort_unstable();
        documented.sort_unstable();
        assert_eq!(listed, documented, "{path}");
        for name in names {
            let body = ask(&format!("{name}=!")).await;
            assert_eq!(
                body["type"], "urn:footfall:problem:bad-parameter",
                "{path} {name}"
            );
        }
    }
}

/// The names a schema gives its properties, references and `allOf` followed.
fn properties(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return properties(document, document.pointer(&target[1..]).unwrap());
    }
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let own = schema["properties"].as_object().into_iter().flatten();
    parts
        .flat_map(|part| properties(document, part))
        .chain(own.map(|(name, _)| name.clone()))
        .collect()
}

#[tokio::test]
async fn every_field_of_an_answer_is_documented() {
    let document = document().await;
    for (path, scope) in [
        ("/v1/campaigns", scope("spring", None)),
        ("/v1/campaigns/{id}", scope("spring", None)),
        ("/v1/campaigns/{id}/timeseries", scope("spring", None)),
        ("/v1/activities/{id}", scope("spring", Some("raffle"))),
    ] {
        let answered = &document["paths"][path]["get"]["responses"]["200"];
        let schema = &answered["content"]["application/json"]["schema"];
        let documented = properties(&document, schema);
        let hot = Recorder::of([Ok(answer([(scope, numbers())]))]);
        let (_, body) = get(&hot, &path.replace("{id}", "spring")).await;
        let given = body.as_object().unwrap().keys();
        let missing: Vec<&String> = given.filter(|name| !documented.contains(name)).collect();
        assert!(missing.is_empty(), "{path}: {missing:?}, of {documented:?}");
    }
}
