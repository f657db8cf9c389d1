//! Which device an event came from, told from its User-Agent and client hints.
//!
//! Pure and deterministic: the same input gives the same device under one [`RULES_VERSION`]. What
//! is missing or ambiguous is `Other`, never a guess dressed as a fact. The work is bounded for any
//! input.

mod browser;
mod families;
mod glob;
mod hints;
mod labels;
mod marks;
mod model;
mod system;
mod tables;

pub use labels::{Brand, Browser, DeviceClass, Os};
use model::Model;

/// The version of the rules, part of a view's definition: raise it whenever any input may be
/// classified differently.
pub const RULES_VERSION: u32 = 1;

/// How much of a User-Agent is read, in bytes: the longest real ones (apps that append their state)
/// stay below half.
pub const MAX_USER_AGENT_BYTES: usize = 2048;

/// What is known of the device behind an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Device {
    /// Phone, tablet, computer, bot or other.
    pub class: DeviceClass,
    /// Operating system.
    pub os: Os,
    /// Browser family.
    pub browser: Browser,
    /// Product line.
    pub brand: Brand,
}

impl Device {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        class: DeviceClass::Other,
        os: Os::Other,
        browser: Browser::Other,
        brand: Brand::Other,
    };

    /// A program without a person. What it says of its system is not believed.
    pub const BOT: Self = Self {
        class: DeviceClass::Bot,
        ..Self::UNKNOWN
    };
}

/// User-Agent client hints as the browser sent them; an empty text is an absent hint. Surrounding
/// quotes are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hints<'a> {
    /// `Sec-CH-UA-Mobile`: `?1` is true, `?0` is false.
    pub mobile: Option<bool>,
    /// `Sec-CH-UA-Platform`: for example `Android`, `macOS`, `Windows`.
    pub platform: &'a str,
    /// `Sec-CH-UA-Model`: for example `SM-S918N`, `Pixel 8`; empty on computers.
    pub model: &'a str,
}

/// Tells the device from a User-Agent and client hints.
#[must_use]
pub fn classify(user_agent: &str, hints: Hints<'_>) -> Device {
    let text = user_agent.as_bytes();
    let text = &text[..text.len().min(MAX_USER_AGENT_BYTES)];
    let marks = marks::scan(text);
    if system::is_bot(marks) {
        return Device::BOT;
    }
    let hinted = hints::read(hints);
    let named = match marks.after_android {
        Some(at) => model::of_android(&text[at..]),
        None => Model::UNNAMED,
    };
    let named = if named.named {
        named
    } else {
        model::of_start(text)
    };
    let told = system::system(marks, hinted.model.or(named), hinted.mobile);
    let (class, os, brand) = if system::is_thing(marks) {
        told
    } else {
        hints::refine(told, hinted)
    };
    Device {
        class,
        os,
        browser: browser::browser(marks),
        brand,
    }
}
