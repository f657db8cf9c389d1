//! The device model an Android User-Agent or a client hint names, and what its family says.

use super::families::{Kind, VENDORS};
use super::glob::{family_of, kind_by_words};
use super::labels::Brand;

/// Longest text after "Android" that is searched for a model, bytes: real ones end within a third.
const MODEL_TEXT_BYTES: usize = 320;

/// What a model name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) brand: Brand,
    /// A name was there at all, known or not.
    pub(super) named: bool,
}

impl Model {
    pub(super) const UNNAMED: Self = Self {
        kind: Kind::Unknown,
        brand: Brand::Other,
        named: false,
    };

    /// This one where it says something, else the other.
    pub(super) fn or(self, other: Self) -> Self {
        let brand = if self.brand == Brand::Other {
            other.brand
        } else {
            self.brand
        };
        if self.kind == Kind::Unknown {
            Self { brand, ..other }
        } else {
            Self { brand, ..self }
        }
    }
}

/// The first named model in the text that follows the word "Android".
pub(super) fn of_android(rest: &[u8]) -> Model {
    let rest = &rest[..rest.len().min(MODEL_TEXT_BYTES)];
    let comment = &rest[..comment_end(rest)];
    let mut best = Model::UNNAMED;
    // The first part is Android's version.
    for part in comment.split(|&byte| byte == b';').skip(1) {
        let name = trim(before(before(part, b"Build/"), b"AppleWebKit"));
        if is_noise(name) {
            continue;
        }
        let model = of_name(name);
        if !best.named || (best.kind == Kind::Unknown && model.kind != Kind::Unknown) {
            let brand = if model.brand == Brand::Other {
                best.brand
            } else {
                model.brand
            };
            best = Model { brand, ..model };
        }
        if best.kind != Kind::Unknown {
            break;
        }
    }
    best
}

/// A model behind its maker's name at the start: `samsung-GT-I9300/1.0 Linux/2.6 Android/4.0.4`.
///
/// Other texts start with the name of a browser or an app, so words say nothing here.
pub(super) fn of_start(text: &[u8]) -> Model {
    let end = text
        .iter()
        .position(|byte| matches!(byte, b'/' | b'(' | b';'))
        .unwrap_or(text.len());
    let name = trim(&text[..end.min(MODEL_TEXT_BYTES)]);
    let (vendor, bare) = split_vendor(name);
    let family = vendor.and_then(|_| family_of(bare).or_else(|| family_of(name)));
    family.map_or(Model::UNNAMED, |(kind, brand)| Model {
        kind,
        brand,
        named: true,
    })
}

/// What one model name says, for example `SM-X200` or `HUAWEI BAH3-W09`.
pub(super) fn of_name(name: &[u8]) -> Model {
    let name = trim(name);
    if name.is_empty() {
        return Model::UNNAMED;
    }
    let (vendor, bare) = split_vendor(name);
    let family = family_of(bare).or_else(|| family_of(name));
    let by_family = family.map_or(Kind::Unknown, |(kind, _)| kind);
    let kind = match by_family {
        Kind::Unknown | Kind::PhoneMaker => kind_by_words(name).unwrap_or(by_family),
        known => known,
    };
    let brand = vendor
        .filter(|brand| *brand != Brand::Other)
        .or(family.map(|(_, brand)| brand))
        .unwrap_or(Brand::Other);
    Model {
        kind,
        brand,
        named: true,
    }
}

/// Takes a leading maker's name off: `HUAWEI BTV-W09` gives `BTV-W09`, `SonySGP321` `SGP321`.
fn split_vendor(name: &[u8]) -> (Option<Brand>, &[u8]) {
    for &(vendor, brand) in VENDORS {
        let Some((head, tail)) = name.split_at_checked(vendor.len()) else {
            continue;
        };
        if head.eq_ignore_ascii_case(vendor.as_bytes()) {
            match tail.first() {
                Some(b' ' | b'-' | b'_' | b'/') => return (Some(brand), trim(&tail[1..])),
                Some(byte) if byte.is_ascii_uppercase() || byte.is_ascii_digit() => {
                    return (Some(brand), tail);
                }
                _ => {}
            }
        }
    }
    (None, name)
}

/// Where the comment that the text starts in ends: its closing parenthesis, or the end.
fn comment_end(text: &[u8]) -> usize {
    let mut depth = 0_u32;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return at,
            b')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Parts of the comment that name no model: flags, locales, architectures, screens, bare makers.
fn is_noise(part: &[u8]) -> bool {
    let starts = |prefix: &[u8]| {
        part.len() >= prefix.len() && part[..prefix.len()].eq_ignore_ascii_case(prefix)
    };
    let is = |word: &[u8]| part.eq_ignore_ascii_case(word);
    // Chrome writes the model K for every device since it froze the User-Agent.
    part.len() < 2
        || is_locale(part)
        || is(b"wv")
        || is(b"mobile")
        || is(b"tablet")
        || is(b"unknown")
        || is(b"Android")
        || starts(b"rv:")
        || starts(b"arm")
        || starts(b"HarmonyOS")
        || starts(b"HMSCore")
        || starts(b"Linux")
        || part.ends_with(b"dpi")
        || is_screen(part)
        || VENDORS.iter().any(|(vendor, _)| is(vendor.as_bytes()))
}

fn is_locale(part: &[u8]) -> bool {
    match part {
        [a, b] => a.is_ascii_lowercase() && b.is_ascii_lowercase(),
        [a, b, b'-' | b'_', rest @ ..] => {
            a.is_ascii_lowercase()
                && b.is_ascii_lowercase()
                && matches!(rest.len(), 2 | 4)
                && rest.iter().all(u8::is_ascii_alphabetic)
        }
        _ => false,
    }
}

fn is_screen(part: &[u8]) -> bool {
    part.contains(&b'x')
        && part
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'x')
}

fn before<'a>(text: &'a [u8], stop: &[u8]) -> &'a [u8] {
    text.windows(stop.len())
        .position(|window| window == stop)
        .map_or(text, |at| &text[..at])
}

/// Without white space and one pair of quotes around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(text)
        .trim_ascii()
}
