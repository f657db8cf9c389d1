//! What client hints add to what the User-Agent says, and correct in it.

use super::Hints;
use super::families::Kind;
use super::labels::{Brand, DeviceClass, Os};
use super::model::{self, Model};
use super::system::System;

/// How much of a hint is read, in bytes: model names stay below half.
const MAX_HINT_BYTES: usize = 128;

/// The hints in our words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hinted<'a> {
    pub(super) mobile: Option<bool>,
    pub(super) model: Model,
    platform: &'a [u8],
    name: &'a [u8],
}

/// Reads the hints; absent ones say nothing.
pub(super) fn read(hints: Hints<'_>) -> Hinted<'_> {
    let name = text(hints.model);
    Hinted {
        mobile: hints.mobile,
        model: model::of_name(name),
        platform: text(hints.platform),
        name,
    }
}

/// Corrects what the User-Agent says. Hints outrank it, because browsers froze it and tools fake
/// it.
pub(super) fn refine(told: System, hinted: Hinted<'_>) -> System {
    if let Some(apple) = apple(told, hinted) {
        return apple;
    }
    let os = os_of(hinted.platform);
    let contradicted = os.is_some_and(|os| told.1 != os);
    let untold = told.0 == DeviceClass::Other && told.1 == Os::Other;
    if contradicted || untold {
        alone(os, hinted)
    } else {
        told
    }
}

/// Hints without a User-Agent, or against it.
fn alone(os: Option<Os>, hinted: Hinted<'_>) -> System {
    let brand = hinted.model.brand;
    let class = match hinted.model.kind {
        Kind::Phone => DeviceClass::Mobile,
        Kind::Tablet => DeviceClass::Tablet,
        Kind::Computer => DeviceClass::Desktop,
        Kind::Thing => DeviceClass::Other,
        Kind::PhoneMaker | Kind::Unknown => match (os, hinted.mobile) {
            (Some(Os::Android) | None, Some(true)) => DeviceClass::Mobile,
            (Some(Os::Android), Some(false)) => DeviceClass::Tablet,
            (Some(os), None | Some(false)) if is_computer(os) => DeviceClass::Desktop,
            _ => DeviceClass::Other,
        },
    };
    let os = match (os, hinted.model.kind) {
        (Some(os), _) => os,
        // Every family of phones and tablets we know is Android's.
        (None, Kind::Phone | Kind::PhoneMaker | Kind::Tablet) => Os::Android,
        (None, _) => Os::Other,
    };
    let brand = if os == Os::Macos && brand == Brand::Other {
        Brand::Mac
    } else {
        brand
    };
    (class, os, brand)
}

const fn is_computer(os: Os) -> bool {
    matches!(os, Os::Windows | Os::Macos | Os::Linux | Os::ChromeOs)
}

/// An iPhone or iPad that a hint names. This is what tells an iPad that asks for desktop pages from
/// a Mac.
fn apple(told: System, hinted: Hinted<'_>) -> Option<System> {
    const IPAD: System = (DeviceClass::Tablet, Os::Ios, Brand::IPad);
    const IPHONE: System = (DeviceClass::Mobile, Os::Ios, Brand::IPhone);
    if starts_with(hinted.name, "iPad") || hinted.platform.eq_ignore_ascii_case(b"iPadOS") {
        return Some(IPAD);
    }
    if starts_with(hinted.name, "iPhone") {
        return Some(IPHONE);
    }
    if !hinted.platform.eq_ignore_ascii_case(b"iOS") {
        return None;
    }
    Some(match (told.1, hinted.mobile) {
        (Os::Ios, _) => told,
        (_, Some(true)) => (DeviceClass::Mobile, Os::Ios, Brand::Other),
        (_, Some(false)) => IPAD,
        // An iPhone may ask for desktop pages as well.
        (_, None) => (DeviceClass::Other, Os::Ios, Brand::Other),
    })
}

fn os_of(platform: &[u8]) -> Option<Os> {
    const PLATFORMS: &[(&str, Os)] = &[
        ("Android", Os::Android),
        ("Windows", Os::Windows),
        ("macOS", Os::Macos),
        ("Mac OS X", Os::Macos),
        ("Linux", Os::Linux),
        ("Chrome OS", Os::ChromeOs),
        ("ChromeOS", Os::ChromeOs),
        ("Chromium OS", Os::ChromeOs),
    ];
    PLATFORMS
        .iter()
        .find(|(name, _)| platform.eq_ignore_ascii_case(name.as_bytes()))
        .map(|&(_, os)| os)
}

fn starts_with(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn text(hint: &str) -> &[u8] {
    let hint = hint.as_bytes();
    model::trim(&hint[..hint.len().min(MAX_HINT_BYTES)])
}
