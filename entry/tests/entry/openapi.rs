//! The OpenAPI document: every field described, every path and method as served.

use axum::body::Body;
use axum::http::Request;
use entry::{Folds, Pages};
use serde_json::Value;

use crate::support::{PARTITIONS, send};
use crate::world::World;

/// A gateway that serves everything, and its document.
async fn served() -> (World, axum::Router, Value) {
    let world = World::new();
    let entries = world.log.producer("entries").unwrap();
    let gateway = world.with_seats(Folds::new(PARTITIONS), entries);
    let router = entry::router(gateway.with_pages(Pages::of(&[])).with_trial());
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let answer = send(&router, request).await;
    assert_eq!(answer.status, 200);
    (world, router, answer.body)
}

#[tokio::test]
async fn every_path_takes_the_methods_that_are_documented_and_no_others() {
    let (_world, router, document) = served().await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10, "{paths:?}");
    for (path, methods) in paths {
        for method in ["get", "put", "post", "delete"] {
            let path = path.replace("{id}", "raffle").replace("{user}", "u1");
            let request = Request::builder()
                .method(&*method.to_uppercase())
                .uri(&path);
            let status = {
                use tower::ServiceExt;
                let request = request.body(Body::empty()).unwrap();
                router
                    .clone()
                    .oneshot(request)
                    .await
                    .unwrap()
                    .status()
                    .as_u16()
            };
            let is_served = status != 405;
            assert_eq!(
                is_served,
                methods.get(method).is_some(),
                "{method} {path}: {status}"
            );
        }
    }
}

/// Every object of the document, with its place.
fn walk(place: &str, value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(place, value);
    let members = value.as_object().into_iter().flatten();
    members.for_each(|(name, member)| walk(&format!("{place}/{name}"), member, visit));
    let items = value.as_array().into_iter().flatten();
    items.for_each(|item| walk(place, item, visit));
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_field_and_parameter_is_described() {
    let (_world, _, document) = served().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let described = |value: &Value| {
        let text = value["description"].as_str();
        text.is_some_and(|text| text.len() > 4)
    };
    let (mut references, mut fields) = (0, 0);
    walk("", &document, &mut |place, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{place}: {target}");
            references += 1;
        }
        for (name, field) in value["properties"].as_object().into_iter().flatten() {
            let mut types = field["oneOf"].as_array().into_iter().flatten();
            // The word that tells kinds of answers apart is described by them.
            let said = described(field) || types.any(described) || field["enum"].is_array();
            assert!(said, "{place}/{name} has no description");
            fields += 1;
        }
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            assert!(described(parameter), "{place}: {parameter}");
        }
    });
    assert!(references > 10 && fields > 30, "{references} {fields}");
}

#[tokio::test]
async fn every_field_of_an_answer_to_a_request_for_a_seat_is_documented() {
    let (_world, _, document) = served().await;
    let world = World::new();
    let gateway = world.gateway().await;
    let now = crate::support::NOW_MS;
    crate::world::define(&gateway.router, 1, now, None).await;
    let seat = crate::world::ask(&gateway.router, "u1", Some("r1")).await;
    let refused = crate::world::ask(&gateway.router, "u2", None).await;
    let schemas = &document["components"]["schemas"];
    for (body, schema) in [
        (&seat.body, "EntryAnswer"),
        (&seat.body["receipt"], "Receipt"),
        (&refused.body, "EntryAnswer"),
    ] {
        for name in body.as_object().unwrap().keys() {
            let field = &schemas[schema]["properties"][name];
            assert!(field.is_object(), "{schema} lacks {name}");
        }
    }
}
