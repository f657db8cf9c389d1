//! Device class, operating system and brand from the marks of a User-Agent and the model it names.

use super::families::Kind;
use super::labels::{Brand, DeviceClass, Os};
use super::marks::{Mark, Marks};
use super::model::Model;

/// What is known of the hardware and its system.
pub(super) type System = (DeviceClass, Os, Brand);

/// Whether a program without a person asks.
pub(super) fn is_bot(marks: Marks) -> bool {
    let says_so = marks.has(Mark::Bot) && !marks.has(Mark::NotBot);
    // Embedded Internet Explorers carry their vendor's address too.
    let gives_address = marks.has(Mark::Link) && !marks.has(Mark::Msie);
    // "compatible;" with no system behind it is how crawlers introduce themselves.
    let nameless =
        marks.has(Mark::Introduction) && !marks.names_a_system() && !marks.has(Mark::Msie);
    says_so || gives_address || nameless
}

/// Whether it is neither phone, tablet nor computer. Phones with a television receiver say "TV" and
/// "Mobile".
pub(super) fn is_thing(marks: Marks) -> bool {
    marks.has(Mark::Thing)
        || (marks.has(Mark::TvWord) && !(marks.has(Mark::Android) && marks.has(Mark::MobileWord)))
}

/// The system a person's device names. The order is from the narrow to the wide: a television that
/// says "Linux" is a television, a phone that says "like Mac OS X" is a phone.
pub(super) fn system(marks: Marks, model: Model, mobile: Option<bool>) -> System {
    if is_thing(marks) {
        let os = if marks.has(Mark::Android) {
            Os::Android
        } else {
            Os::Other
        };
        return (DeviceClass::Other, os, Brand::Other);
    }
    if marks.has(Mark::WindowsPhone) {
        return (DeviceClass::Mobile, Os::Other, Brand::Other);
    }
    if marks.has(Mark::IPad) {
        return (DeviceClass::Tablet, Os::Ios, Brand::IPad);
    }
    // An iPod touch says "CPU iPhone OS" too.
    if marks.has(Mark::IPod) {
        return (DeviceClass::Mobile, Os::Ios, Brand::Other);
    }
    if marks.has(Mark::IPhone) {
        return (DeviceClass::Mobile, Os::Ios, Brand::IPhone);
    }
    if marks.any(&[Mark::Android, Mark::Harmony]) {
        return android(marks, model, mobile);
    }
    if marks.has(Mark::Tizen) {
        // Watches and televisions run it too; only a phone says "Mobile" and is no Thing.
        let class = if marks.has(Mark::MobileWord) {
            DeviceClass::Mobile
        } else {
            DeviceClass::Other
        };
        return (class, Os::Other, Brand::Other);
    }
    if marks.has(Mark::OtherTablet) {
        return (DeviceClass::Tablet, Os::Other, Brand::Other);
    }
    computer(marks).unwrap_or_else(|| phone(marks))
}

fn android(marks: Marks, model: Model, mobile: Option<bool>) -> System {
    if marks.has(Mark::ChromeOs) {
        return (DeviceClass::Desktop, Os::ChromeOs, Brand::Other);
    }
    let class = match model.kind {
        Kind::Phone => DeviceClass::Mobile,
        Kind::Tablet => DeviceClass::Tablet,
        Kind::Computer if !marks.has(Mark::MobileWord) => DeviceClass::Desktop,
        Kind::Thing => DeviceClass::Other,
        Kind::PhoneMaker => android_by_words(marks, mobile).unwrap_or(DeviceClass::Mobile),
        Kind::Computer | Kind::Unknown => {
            android_by_words(marks, mobile).unwrap_or(DeviceClass::Other)
        }
    };
    // HarmonyOS names Android only where it can run Android's apps.
    let os = if marks.has(Mark::Android) {
        Os::Android
    } else {
        Os::Other
    };
    (class, os, model.brand)
}

/// Browsers on Android phones say "Mobile" and on larger screens don't: a published convention of
/// Chrome and Firefox. What is no browser, or is cut off before "Safari", says neither, so nothing
/// follows from its silence.
fn android_by_words(marks: Marks, mobile: Option<bool>) -> Option<DeviceClass> {
    if let Some(mobile) = mobile {
        return Some(if mobile {
            DeviceClass::Mobile
        } else {
            DeviceClass::Tablet
        });
    }
    if marks.has(Mark::TabletWord) {
        Some(DeviceClass::Tablet)
    } else if marks.any(&[Mark::MobileWord, Mark::OperaMini]) {
        Some(DeviceClass::Mobile)
    } else if marks.any(&[Mark::Safari, Mark::Firefox]) {
        Some(DeviceClass::Tablet)
    } else {
        None
    }
}

fn computer(marks: Marks) -> Option<System> {
    // Old phones name an old Windows beside themselves: "MSIE 6.0; Windows 98; PalmSource".
    let certain = marks.any(&[Mark::WindowsNt, Mark::Macintosh, Mark::LinuxPc]);
    if marks.has(Mark::FeaturePhone) && !certain {
        return None;
    }
    if marks.has(Mark::ChromeOs) {
        return Some((DeviceClass::Desktop, Os::ChromeOs, Brand::Other));
    }
    if marks.has(Mark::Windows) {
        return Some((DeviceClass::Desktop, Os::Windows, Brand::Other));
    }
    let mac = marks.has(Mark::Macintosh) && !marks.has(Mark::Ios);
    if mac || (marks.has(Mark::Darwin) && marks.has(Mark::Intel)) {
        return Some((DeviceClass::Desktop, Os::Macos, Brand::Mac));
    }
    if marks.has(Mark::LinuxPc) {
        return Some((DeviceClass::Desktop, Os::Linux, Brand::Other));
    }
    if marks.has(Mark::OtherDesktop) {
        return Some((DeviceClass::Desktop, Os::Other, Brand::Other));
    }
    None
}

fn phone(marks: Marks) -> System {
    let os = if marks.has(Mark::Ios) {
        Os::Ios
    } else {
        Os::Other
    };
    let class = if marks.has(Mark::TabletWord) {
        DeviceClass::Tablet
    } else if marks.any(&[Mark::FeaturePhone, Mark::OperaMini, Mark::MobileWord]) {
        DeviceClass::Mobile
    } else {
        DeviceClass::Other
    };
    (class, os, Brand::Other)
}
