//! docs/views.md says the numbers that the code stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pipeline::cell::{Cell, Currency, Kind};
use pipeline::device::{Brand, Browser, DeviceClass, Os};

const PAGE: &str = include_str!("../../docs/views.md");

#[test]
fn the_page_names_every_number_and_no_other() {
    let line = |names: Vec<(&'static str, u8)>| {
        let names: Vec<String> = names
            .iter()
            .map(|(name, number)| format!("{name} {number}"))
            .collect();
        names.join(" · ")
    };
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind as u8)).to_vec();
    let devices = DeviceClass::ALL
        .map(|device| (device.as_str(), device as u8))
        .to_vec();
    let systems = Os::ALL.map(|os| (os.as_str(), os as u8)).to_vec();
    let browsers = Browser::ALL
        .map(|browser| (browser.as_str(), browser as u8))
        .to_vec();
    let brands = Brand::ALL
        .map(|brand| (brand.as_str(), brand as u8))
        .to_vec();
    for (what, names) in [
        ("kind", kinds),
        ("device", devices),
        ("os", systems),
        ("browser", browsers),
        ("brand", brands),
    ] {
        let row = format!("| {what} | {} |", line(names));
        assert!(PAGE.contains(&row), "docs/views.md lacks the line {row}");
    }
}

#[test]
fn the_pages_examples_of_packed_numbers_are_right() {
    let cell = Cell::unpack(4011).unwrap();
    assert_eq!(cell.name(), "purchase.mobile.android.new");
    assert!(PAGE.contains("4011: purchase, mobile, android, new"));
    let won = Currency::parse("KRW").unwrap().number();
    let grouped = format!("{},{:03}", won / 1000, won % 1000);
    assert!(
        PAGE.contains(&format!("KRW is {grouped}")),
        "KRW is {grouped}"
    );
}
