//! The cells of a row: what is counted apart, as small numbers and as names.
//!
//! The numbers are stored; `footfall.v1.CountsRow` documents the packing. They never change meaning.

use schemas::v1;

use crate::device::{Brand, Browser, DeviceClass, Os};

/// What a person did. The numbers are those of `footfall.v1.Kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Saw a page.
    Visit = 1,
    /// Followed a link.
    Click = 2,
    /// Was admitted to an activity.
    Enter = 3,
    /// Paid.
    Purchase = 4,
    /// Made an account.
    SignUp = 5,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 5] = [
        Self::Visit,
        Self::Click,
        Self::Enter,
        Self::Purchase,
        Self::SignUp,
    ];

    /// The funnel's steps, in order.
    pub const FUNNEL: [Self; 4] = [Self::Visit, Self::Click, Self::Enter, Self::Purchase];

    /// The name in metrics, JSON and dumps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Click => "click",
            Self::Enter => "enter",
            Self::Purchase => "purchase",
            Self::SignUp => "sign_up",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of that number.
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The wire's kind, unless it is unspecified or of a later version.
    pub fn from_wire(number: i32) -> Option<Self> {
        u8::try_from(number).ok().and_then(Self::from_u8)
    }

    /// The wire's kind.
    pub const fn to_wire(self) -> v1::Kind {
        match self {
            Self::Visit => v1::Kind::Visit,
            Self::Click => v1::Kind::Click,
            Self::Enter => v1::Kind::Enter,
            Self::Purchase => v1::Kind::Purchase,
            Self::SignUp => v1::Kind::SignUp,
        }
    }
}

/// One counted combination: kind × device class × operating system × new or returning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// What was done.
    pub kind: Kind,
    /// On what class of device.
    pub device: DeviceClass,
    /// On what operating system.
    pub os: Os,
    /// Whether on the user's first day.
    pub is_new: bool,
}

impl Cell {
    /// kind × 1000 + device × 100 + os × 10 + is_new.
    pub const fn pack(self) -> u16 {
        self.kind as u16 * 1000
            + self.device as u16 * 100
            + self.os as u16 * 10
            + self.is_new as u16
    }

    /// The cell of a packed number, unless no such cell exists.
    pub fn unpack(packed: u32) -> Option<Self> {
        Some(Self {
            kind: Kind::from_u8(u8::try_from(packed / 1000).ok()?)?,
            device: DeviceClass::from_u8((packed / 100 % 10) as u8)?,
            os: Os::from_u8((packed / 10 % 10) as u8)?,
            is_new: match packed % 10 {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }

    /// For example `visit.mobile.ios.new`.
    pub fn name(self) -> String {
        format!(
            "{}.{}.{}.{}",
            self.kind.as_str(),
            self.device.as_str(),
            self.os.as_str(),
            if self.is_new { "new" } else { "returning" }
        )
    }
}

/// The packed marginal of a kind and a browser: kind × 100 + browser.
pub const fn pack_browser(kind: Kind, browser: Browser) -> u16 {
    kind as u16 * 100 + browser as u16
}

/// The packed marginal of a kind and a brand: kind × 100 + brand.
pub const fn pack_brand(kind: Kind, brand: Brand) -> u16 {
    kind as u16 * 100 + brand as u16
}

/// The kind and browser of a packed marginal.
pub fn unpack_browser(packed: u32) -> Option<(Kind, Browser)> {
    Some((
        Kind::from_u8(u8::try_from(packed / 100).ok()?)?,
        Browser::from_u8((packed % 100) as u8)?,
    ))
}

/// The kind and brand of a packed marginal.
pub fn unpack_brand(packed: u32) -> Option<(Kind, Brand)> {
    Some((
        Kind::from_u8(u8::try_from(packed / 100).ok()?)?,
        Brand::from_u8((packed % 100) as u8)?,
    ))
}

/// An ISO 4217 code: three upper-case letters, as a number in base 26.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u16);

impl Currency {
    /// The code's number; `None` unless it is three upper-case letters.
    pub fn parse(code: &str) -> Option<Self> {
        let letters = code.as_bytes();
        (letters.len() == 3 && letters.iter().all(u8::is_ascii_uppercase)).then(|| {
            Self(
                letters
                    .iter()
                    .fold(0, |n, letter| n * 26 + u16::from(letter - b'A')),
            )
        })
    }

    /// The number, below 26³.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The code of a number; `None` from 26³ on.
    pub fn from_number(number: u32) -> Option<Self> {
        (number < 26 * 26 * 26).then_some(Self(number as u16))
    }

    /// The three letters.
    pub fn code(self) -> String {
        [self.0 / 676, self.0 / 26 % 26, self.0 % 26]
            .map(|n| char::from(b'A' + n as u8))
            .iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_is_its_number_and_back() {
        let mut codes = std::collections::BTreeSet::new();
        for number in 0..26 * 26 * 26 {
            let code = Currency::from_number(number).map(Currency::code);
            let parsed = code.as_deref().and_then(Currency::parse);
            assert_eq!(parsed.map(|c| u32::from(c.number())), Some(number));
            codes.extend(code);
        }
        assert_eq!(codes.len(), 26 * 26 * 26);
        assert_eq!(Currency::from_number(26 * 26 * 26), None);
        for text in ["", "KR", "KRWW", "krw", "K1W", "KR ", "₩", "KÄ"] {
            assert_eq!(Currency::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_cell_is_its_number_and_back() {
        let mut cells = 0;
        for packed in 0..=u32::from(u16::MAX) {
            if let Some(cell) = Cell::unpack(packed) {
                assert_eq!(u32::from(cell.pack()), packed);
                cells += 1;
            }
        }
        let systems = (0..=u8::MAX).filter_map(Os::from_u8).count();
        let classes = (0..=u8::MAX).filter_map(DeviceClass::from_u8).count();
        assert_eq!(cells, Kind::ALL.len() * classes * systems * 2);
    }

    #[test]
    fn every_marginal_is_its_number_and_back() {
        for kind in Kind::ALL {
            for browser in (0..=u8::MAX).filter_map(Browser::from_u8) {
                let packed = u32::from(pack_browser(kind, browser));
                assert_eq!(unpack_browser(packed), Some((kind, browser)));
            }
            for brand in (0..=u8::MAX).filter_map(Brand::from_u8) {
                let packed = u32::from(pack_brand(kind, brand));
                assert_eq!(unpack_brand(packed), Some((kind, brand)));
            }
        }
    }
}
