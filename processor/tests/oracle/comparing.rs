//! What differs between two views.

use std::sync::Arc;

use pipeline::row::{NamedCell, NamedCells};
use processor::verify::{Difference, View, compare};

use crate::given::{Log, seoul, visit};

fn named(cell: &str) -> NamedCell {
    NamedCell {
        campaign: Arc::from("c"),
        activity: Arc::from("*"),
        period: "life".to_owned(),
        facet: "people",
        cell: cell.to_owned(),
    }
}

fn cells<const N: usize>(cells: [(&str, i64); N]) -> NamedCells {
    cells
        .into_iter()
        .map(|(name, value)| (named(name), value))
        .collect()
}

#[test]
fn a_cell_that_is_absent_is_zero() {
    let comparison = compare(&cells([("a", 0), ("b", 2)]), &cells([("b", 2), ("d", 0)]));
    assert!(comparison.agrees());
    assert_eq!(comparison.compared, 3);
    assert_eq!(comparison.listed, []);
}

#[test]
fn every_difference_names_its_cell_and_both_values() {
    let comparison = compare(
        &cells([("less", 3), ("missing", 1), ("same", 9)]),
        &cells([("extra", 4), ("less", 2), ("same", 9)]),
    );
    assert!(!comparison.agrees());
    assert_eq!(comparison.differences, 3);
    let difference = |cell, expected, found| Difference {
        cell: named(cell),
        expected,
        found,
    };
    assert_eq!(
        comparison.listed,
        [
            difference("extra", 0, 4),
            difference("less", 3, 2),
            difference("missing", 1, 0),
        ]
    );
    assert_eq!(
        comparison.listed[1].to_string(),
        "c\t*\tlife\tpeople\tless: expected 3, found 2"
    );
}

#[test]
fn the_list_is_bounded_and_the_count_is_not() {
    let many: NamedCells = (0..1_500).map(|n| (named(&n.to_string()), 1)).collect();
    let comparison = compare(&many, &NamedCells::new());
    assert_eq!(comparison.listed.len(), 1_000);
    assert_eq!(comparison.differences, 1_500);
}

#[test]
fn the_views_of_partitions_add_up() {
    let view_of = |user: &str| {
        let mut log = Log::new(&seoul());
        log.apply([visit(user, "2026-03-10T09:00:00+09:00")]);
        log.view()
    };
    let mut sum = View::default();
    sum.add(view_of("u"));
    sum.add(view_of("v"));
    let mut log = Log::new(&seoul());
    log.apply(["u", "v"].map(|user| visit(user, "2026-03-10T09:00:00+09:00")));
    assert!(compare(&log.view().cells, &sum.cells).agrees());
    assert!(!compare(&log.view().cells, &view_of("u").cells).agrees());
}
