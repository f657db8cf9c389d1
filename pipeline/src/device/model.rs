//! The device model an Android User-Agent or a client hint names, and what its family says.

use std::sync::LazyLock;

use super::families::{FAMILIES, Kind, VENDORS, WORDS};
use super::labels::Brand;

/// Longest text after "Android" that is searched for a model, in bytes: real ones end within a third of it.
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

/// A model that stands at the start, as in `samsung-GT-I9300/1.0 Linux/2.6 Android/4.0.4`: only where it is known.
pub(super) fn of_prefix(text: &[u8]) -> Model {
    let end = text
        .iter()
        .position(|byte| matches!(byte, b'/' | b'(' | b';'))
        .unwrap_or(text.len());
    let model = of_name(&text[..end.min(MODEL_TEXT_BYTES)]);
    if model.kind == Kind::Unknown {
        Model::UNNAMED
    } else {
        model
    }
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

struct Family {
    glob: &'static [u8],
    kind: Kind,
    brand: Brand,
}

/// The families by the first byte they can start with, in the table's order.
static BY_FIRST_BYTE: LazyLock<Vec<Vec<Family>>> = LazyLock::new(|| {
    let mut buckets: Vec<Vec<Family>> = (0..=u8::MAX).map(|_| Vec::new()).collect();
    for &(kind, brand, globs) in FAMILIES {
        for glob in globs.split('|').map(str::as_bytes) {
            for first in 0..=u8::MAX {
                if glob
                    .first()
                    .is_some_and(|&wanted| byte_matches(wanted, first))
                {
                    buckets[usize::from(first)].push(Family { glob, kind, brand });
                }
            }
        }
    }
    buckets
});

fn family_of(name: &[u8]) -> Option<(Kind, Brand)> {
    let candidates = &BY_FIRST_BYTE[usize::from(*name.first()?)];
    candidates
        .iter()
        .find(|family| glob_matches(family.glob, name))
        .map(|family| (family.kind, family.brand))
}

/// Takes a leading maker's name off: `HUAWEI BTV-W09` gives `BTV-W09`, `SonySGP321` gives `SGP321`.
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

fn kind_by_words(name: &[u8]) -> Option<Kind> {
    WORDS
        .iter()
        .find(|(_, words)| {
            words
                .split('|')
                .any(|word| contains_word(name, word.as_bytes()))
        })
        .map(|&(kind, _)| kind)
}

/// Whether a glob matches the start of a name: `#` is a digit, `@` a letter, `$` the end of the name;
/// every other byte is itself, without regard to ASCII case.
fn glob_matches(glob: &[u8], name: &[u8]) -> bool {
    glob.iter()
        .enumerate()
        .all(|(at, &wanted)| match name.get(at) {
            Some(&found) => byte_matches(wanted, found),
            None => wanted == b'$',
        })
}

const fn byte_matches(wanted: u8, found: u8) -> bool {
    match wanted {
        b'#' => found.is_ascii_digit(),
        b'@' => found.is_ascii_alphabetic(),
        _ => found.eq_ignore_ascii_case(&wanted),
    }
}

/// Whether a name contains a word: `<` before it means no letter before, `>` after it no letter after.
fn contains_word(name: &[u8], word: &[u8]) -> bool {
    let starts = word.first() == Some(&b'<');
    let ends = word.last() == Some(&b'>');
    let word = &word[usize::from(starts)..word.len() - usize::from(ends)];
    name.windows(word.len()).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(word)
            && !(starts && at > 0 && name[at - 1].is_ascii_alphabetic())
            && !(ends
                && name
                    .get(at + word.len())
                    .is_some_and(u8::is_ascii_alphabetic))
    })
}

/// Where the comment that contains the start of the text ends: its closing parenthesis, or the end of the text.
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

/// Parts of the comment that name no model: flags, locales, architectures, screen sizes, bare makers' names.
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

fn trim(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    text.strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(text)
        .trim_ascii()
}
