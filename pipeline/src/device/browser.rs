//! Which browser family a User-Agent names; the app around a page comes before the engine inside
//! it.

use super::labels::Browser;
use super::marks::{Mark, Marks};

/// First mark found decides. Apps and Chrome's descendants stand before Chrome, because they name
/// Chrome too.
const ORDER: &[(Mark, Browser)] = &[
    (Mark::Kakao, Browser::KakaoTalk),
    (Mark::Naver, Browser::Naver),
    (Mark::Line, Browser::Line),
    (Mark::InApp, Browser::InApp),
    (Mark::OtherBrowser, Browser::Other),
    (Mark::Whale, Browser::Whale),
    (Mark::Samsung, Browser::SamsungInternet),
    (Mark::Edge, Browser::Edge),
    (Mark::Opera, Browser::Opera),
    (Mark::Firefox, Browser::Firefox),
    (Mark::Msie, Browser::Other),
    (Mark::WebView, Browser::InApp),
    (Mark::Chrome, Browser::Chrome),
];

pub(super) fn browser(marks: Marks) -> Browser {
    if let Some(&(_, browser)) = ORDER.iter().find(|(mark, _)| marks.has(*mark)) {
        return browser;
    }
    let apple = marks.any(&[
        Mark::IPhone,
        Mark::IPad,
        Mark::IPod,
        Mark::Macintosh,
        Mark::Windows,
    ]);
    if apple && marks.has(Mark::Safari) && marks.has(Mark::Version) {
        return Browser::Safari;
    }
    // On iOS a page inside an app has the engine's name but not Safari's.
    let ios = marks.any(&[Mark::IPhone, Mark::IPad, Mark::IPod]);
    if ios && marks.has(Mark::WebKit) && !marks.has(Mark::Safari) {
        return Browser::InApp;
    }
    Browser::Other
}
