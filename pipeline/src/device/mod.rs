//! Which device an event came from, told from its User-Agent and client hints.
//!
//! Pure and deterministic: the same input gives the same device under one [`RULES_VERSION`]. What is missing or
//! ambiguous is `Other`, never a guess dressed as a fact.

mod labels;

pub use labels::{Brand, Browser, DeviceClass, Os};

/// The version of the rules, part of a view's definition: raise it whenever any input may be classified differently.
pub const RULES_VERSION: u32 = 1;

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
}

/// User-Agent client hints as the browser sent them; an empty text is an absent hint. Surrounding quotes are allowed.
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
    let mut device = Device::UNKNOWN;
    if user_agent.contains("iPhone") {
        device = Device {
            class: DeviceClass::Mobile,
            os: Os::Ios,
            browser: Browser::Safari,
            brand: Brand::IPhone,
        };
    } else if hints.mobile == Some(true) {
        device.class = DeviceClass::Mobile;
    }
    device
}
