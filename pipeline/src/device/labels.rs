//! The words a device is described with; a variant's number and label never change once released,
//! because stored rows and metrics hold them.

/// Declares a fieldless enum whose variants are numbered from 0 in order and carry one stable label
/// each.
macro_rules! labelled {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $count:literal {
            $($(#[$about:meta])* $variant:ident = $number:literal => $label:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $label)] $variant = $number,)+
        }

        impl $name {
            /// Every variant, at the index that is its number.
            pub const ALL: [Self; $count] = [$(Self::$variant),+];

            /// The stable lower-case label: in metrics, JSON, CSV and questions.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }

            /// The variant with exactly this label.
            #[must_use]
            pub fn parse(label: &str) -> Option<Self> {
                match label {
                    $($label => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The variant with this number.
            #[must_use]
            pub const fn from_u8(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

labelled! {
    /// What kind of device an event came from.
    pub enum DeviceClass: 5 {
        /// A phone, or a pocket-sized thing used like one (iPod touch).
        Mobile = 0 => "mobile",
        /// A tablet or an e-reader with a browser.
        Tablet = 1 => "tablet",
        /// A desktop or laptop computer, and an iPad that asks for desktop pages without a hint.
        Desktop = 2 => "desktop",
        /// A crawler, monitor, preview fetcher or HTTP library: no person behind the request.
        Bot = 3 => "bot",
        /// Anything else, and everything that can't be told: televisions, consoles, watches, cars,
        /// no User-Agent.
        Other = 4 => "other",
    }
}

labelled! {
    /// The operating system an event came from.
    pub enum Os: 7 {
        /// iOS on iPhone and iPod touch, and iPadOS on iPad.
        Ios = 0 => "ios",
        /// Android and its close descendants (Fire OS, Android-compatible HarmonyOS).
        Android = 1 => "android",
        /// Windows of a computer; Windows Phone is `Other`.
        Windows = 2 => "windows",
        /// macOS, and an iPad that asks for desktop pages without a hint.
        Macos = 3 => "macos",
        /// Linux of a computer.
        Linux = 4 => "linux",
        /// ChromeOS.
        ChromeOs = 5 => "chromeos",
        /// Anything else, and everything that can't be told.
        Other = 6 => "other",
    }
}

labelled! {
    /// The family of the browser, or of the app whose built-in browser was used.
    pub enum Browser: 12 {
        /// Chrome and Chromium on any system, not their named descendants.
        Chrome = 0 => "chrome",
        /// Safari.
        Safari = 1 => "safari",
        /// Samsung Internet.
        SamsungInternet = 2 => "samsung-internet",
        /// Edge, old and new.
        Edge = 3 => "edge",
        /// Firefox, Firefox Focus, Firefox for iOS.
        Firefox = 4 => "firefox",
        /// Opera and its descendants.
        Opera = 5 => "opera",
        /// Naver Whale.
        Whale = 6 => "whale",
        /// The browser inside KakaoTalk.
        KakaoTalk = 7 => "kakaotalk",
        /// The browser inside Naver's apps.
        Naver = 8 => "naver",
        /// The browser inside LINE.
        Line = 9 => "line",
        /// A browser inside another app (Facebook, Instagram, Android WebView …).
        InApp = 10 => "in-app",
        /// Anything else, and everything that can't be told.
        Other = 11 => "other",
    }
}

labelled! {
    /// The device's product line, where the User-Agent or a hint names it.
    pub enum Brand: 16 {
        /// Apple iPhone.
        IPhone = 0 => "iphone",
        /// Apple iPad.
        IPad = 1 => "ipad",
        /// Apple Macintosh, and an iPad that asks for desktop pages without a hint.
        Mac = 2 => "mac",
        /// Samsung Galaxy phones and tablets.
        Galaxy = 3 => "galaxy",
        /// Google Pixel.
        Pixel = 4 => "pixel",
        /// Xiaomi, Redmi and Poco.
        Xiaomi = 5 => "xiaomi",
        /// Huawei and Honor.
        Huawei = 6 => "huawei",
        /// Oppo.
        Oppo = 7 => "oppo",
        /// Vivo and iQOO.
        Vivo = 8 => "vivo",
        /// OnePlus.
        OnePlus = 9 => "oneplus",
        /// Realme.
        Realme = 10 => "realme",
        /// Motorola.
        Motorola = 11 => "motorola",
        /// LG.
        Lg = 12 => "lg",
        /// Sony and Sony Ericsson.
        Sony = 13 => "sony",
        /// Lenovo.
        Lenovo = 14 => "lenovo",
        /// Any other, and everything that can't be told.
        Other = 15 => "other",
    }
}
