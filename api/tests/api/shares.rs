//! Laws of the shares: whatever the cells and the filter, parts add up to their whole.

use std::collections::BTreeMap;

use pipeline::cell::{Cell, Kind};
use pipeline::device::{DeviceClass, Os};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use views::Numbers;

use crate::support::{Recorder, answer, cell, get, scope};

fn cells() -> impl Strategy<Value = BTreeMap<Cell, u64>> {
    let cells = (
        select(&Kind::ALL[..]),
        select(&DeviceClass::ALL[..]),
        select(&Os::ALL[..]),
        any::<bool>(),
    )
        .prop_map(|(kind, device, os, is_new)| cell(kind, device, os, is_new));
    proptest::collection::btree_map(cells, 0..1_000_000u64, 0..40)
}

fn queries() -> impl Strategy<Value = String> {
    let devices = DeviceClass::ALL.map(|device| format!("device={device}"));
    let systems = Os::ALL.map(|os| format!("os={os}"));
    let option = |words: Vec<String>| proptest::option::of(select(words));
    (
        option(devices.to_vec()),
        option(systems.to_vec()),
        option(vec!["is_new=true".to_owned(), "is_new=false".to_owned()]),
        option(vec!["bots=include".to_owned()]),
    )
        .prop_map(|(device, os, is_new, bots)| {
            let parts = [device, os, is_new, bots].into_iter().flatten();
            parts.collect::<Vec<_>>().join("&")
        })
}

fn sum(list: &Value, field: &str) -> u64 {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item[field].as_u64().unwrap()).sum()
}

fn campaign(cells: BTreeMap<Cell, u64>, query: &str) -> Value {
    let mut numbers = Numbers::default();
    numbers.counts.cells = cells;
    let hot = Recorder::of([Ok(answer([(scope("spring", None), numbers)]))]);
    let path = format!("/v1/campaigns/spring?{query}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(get(&hot, &path)).1
}

proptest! {
    #[test]
    fn parts_add_up_to_the_total(cells in cells(), query in queries()) {
        let body = campaign(cells, &query);
        let total = body["totals"]["events"].as_u64().unwrap();
        prop_assert_eq!(sum(&body["devices"], "events"), total);
        prop_assert_eq!(sum(&body["os"], "events"), total);
        let by_kind = body["totals"]["by_kind"].as_object().unwrap();
        prop_assert_eq!(by_kind.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), total);
        let visitors = body["visitors"]["events"].as_object().unwrap();
        prop_assert_eq!(visitors.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), total);
        let shares = body["devices"].as_array().unwrap().iter();
        let whole: f64 = shares.filter_map(|device| device["share"].as_f64()).sum();
        prop_assert!(total == 0 || (whole - 1.0).abs() < 1e-5, "shares add up to {}", whole);
    }

    #[test]
    fn bots_are_the_difference_between_asking_for_them_and_not(cells in cells()) {
        let without = campaign(cells.clone(), "");
        let with = campaign(cells, "bots=include");
        let events = |body: &Value, field: &str| match field {
            "totals" => body["totals"]["events"].as_u64().unwrap(),
            _ => body["bots"]["events"].as_u64().unwrap(),
        };
        prop_assert_eq!(events(&with, "bots"), events(&without, "bots"));
        prop_assert_eq!(
            events(&with, "totals"),
            events(&without, "totals") + events(&without, "bots")
        );
    }
}
