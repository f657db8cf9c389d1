//! Families of Android models: what the first letters and digits of a model name say.
//!
//! The first family that matches decides, so a narrower one stands before a wider one. In a glob
//! `#` is a digit, `@` a letter, `$` the end of the name; `|` stands between globs. Families follow
//! the makers' published model names and stand for a line of products, never for one device.

use super::labels::Brand::{
    self, Galaxy, Huawei, Lenovo, Lg, Motorola, OnePlus, Oppo, Other, Pixel, Realme, Sony, Vivo,
    Xiaomi,
};
use Kind::{Computer, Phone, PhoneMaker, Tablet, Thing};

/// What kind of thing a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Phone,
    /// From a maker of mostly phones: decides only where a browser doesn't say its size.
    PhoneMaker,
    Tablet,
    /// A laptop or desktop that runs Android or its apps.
    Computer,
    /// A television, box, watch, console, car …
    Thing,
    Unknown,
}

#[rustfmt::skip] // one group a line
pub(super) const FAMILIES: &[(Kind, Brand, &str)] = &[
    // Samsung. SM-R is worn, SM-V and SM-L too; EK is a camera.
    (Tablet, Galaxy, "SM-T#|SM-X#|SM-P#|GT-P#|GT-N51|GT-N80|Galaxy Tab|GalaxyTab|SPH-P#|SCT2#"),
    (Tablet, Galaxy, "SHW-M180|SHW-M3#5|SHW-M380|SHW-M43|SHW-M48|SHW-M50|SHV-E140|SHV-E150"),
    (Tablet, Galaxy, "SHV-E230"),
    (Tablet, Galaxy, "SCH-I800|SCH-I9#5|SGH-I4#7|SGH-I957|SGH-I987|SGH-T8#9|SC-01C|SC-01D|SC-01E"),
    (Tablet, Galaxy, "SC-02D"),
    (Thing, Other, "SM-R#|SM-V#|SM-L#|EK-G|EK-K"),
    (Phone, Galaxy, "SM-@#|GT-@#|SHV-E|SHW-M|SCH-@|SGH-@|SPH-@|SC-##|SCV##|SCG##|Galaxy"),
    // Google.
    (Tablet, Pixel, "Pixel C$|Pixel Tablet"),
    (Computer, Pixel, "Pixelbook|Pixel Slate"),
    (Phone, Pixel, "Pixel$|Pixel "),
    (Tablet, Other, "Nexus 7|Nexus 9|Nexus 10|Nexus7|Nexus10"),
    (Thing, Other, "Nexus Player|Nexus Q"),
    (Phone, Other, "Nexus"),
    // Amazon: KF is a Fire tablet, AFT a Fire TV, AEO an Echo.
    (Tablet, Other, "KF@@|Kindle|Fire HD"),
    (Thing, Other, "AFT@|AEO@@|Fire TV"),
    // Huawei and Honor: -W is Wi-Fi only; tablets with a radio share the phones' endings, so their
    // first letters tell.
    (Tablet, Other, "TAB|Pad "),
    (Tablet, Huawei, "MediaPad|Media Pad|MatePad|@@@-W##|@@@#-W##|@@@@-W##|Honor Pad"),
    (Tablet, Huawei, "AGR-|AGRK-|AGS-|AGS#-|AGM-|AGM#-|BAH-|BAH#-|BG#-|BGO-|BTK-|BTKR-|BTV-|BZ@-"),
    (Tablet, Huawei, "BZT#-|CMR-|CPN-"),
    (Tablet, Huawei, "DBR-|DBY-|DBY#-|ELN-|FDR-|GOT-|HDN-|HEY#-|JDN-|JDN#-|KJR-|KOB-|KOB#-|KRJ-"),
    (Tablet, Huawei, "MON-|MRX-|PCE-"),
    (Tablet, Huawei, "PLE-7|SCM-|SCMR-|SHT-|WGR-|S7-#|S8-#|S10-#|T1-#|T1-A|M2-#|M2-A|M3 Lite"),
    (Tablet, Huawei, "IDEOS S7"),
    (PhoneMaker, Huawei, "@@@-L##|@@@-LX|@@@-AL##|@@@-TL##|@@@-CL##|@@@-DL##|@@@-UL##|@@@-AN##"),
    (PhoneMaker, Huawei, "@@@-NX#|@@@-TN##"),
    // Xiaomi: RP in a model code is a tablet.
    (Tablet, Xiaomi, "MI PAD|MiPad|Xiaomi Pad|Redmi Pad|POCO Pad|####RP|#####RP|######RP|####CRP"),
    (Tablet, Xiaomi, "#####CRP"),
    (Thing, Other, "MiTV|MiBOX|Mi Box"),
    (Phone, Xiaomi, "Redmi|POCO|Xiaomi|MIX$|MI |Mi-|HM NOTE|HM #|HM#|HM$|M200#@|M201#@|M210#@"),
    (Phone, Xiaomi, "2#####@|2######@|2#######@|2####@#|2####@@|2###@@@|2###@##@"),
    // Oppo, Realme, OnePlus, Vivo. CPH is Oppo's, since 2022 OnePlus's too.
    (Tablet, Oppo, "OPD2#"),
    (Tablet, Realme, "RMP2#|realme Pad"),
    (Tablet, OnePlus, "OnePlus Pad"),
    (Tablet, Vivo, "vivo Pad|PA2#|DPD2#"),
    (Phone, Oppo, "CPH1#|CPH20|CPH21|CPH22|OPPO|P@@@00|P@@T00|A10#OP|OPG0#"),
    (Phone, Other, "CPH#|P@@#10|P@@@10"),
    (Phone, Realme, "RMX#|realme"),
    (Phone, OnePlus, "ONEPLUS|ONE A2|ONE E1|KB2#|IN20|HD19|GM19|LE21|AC20|NE22|DN21|BE20|EB21"),
    (Phone, OnePlus, "DE21|GN22"),
    (Phone, Vivo, "vivo|iQOO|V1###|V2###|I2###$"),
    // Motorola.
    (Tablet, Motorola, "Xoom|MZ5##|MZ6##|moto tab|moto pad"),
    (Thing, Other, "Moto 360"),
    (Phone, Motorola, "moto|XT#|DROID |DROID#|DROIDX|MB###|ME8##|Milestone|razr"),
    // LG.
    (Tablet, Lg, "LG-V#|VK###|UK###|G Pad"),
    (Phone, Lg, "LG-|LM-|LGM-|LGL#|LGLS|LGMS|LGUS|LGV#|LG-@|VS###|LGT"),
    // Sony.
    (Tablet, Sony, "SGP#|SGPT|Sony Tablet|Xperia Tablet|SO-03E|SO-05F|SO-05G|SOT##"),
    (Phone, Sony, "SO-##|SOV##|SOG##|SOL##|XQ-|Xperia"),
    (PhoneMaker, Sony, "Sony"),
    // Lenovo.
    (Tablet, Lenovo, "TB-|TB#|YT-|YT#-|YB1-|YOGA Tab|YOGA Book|IdeaTab|IdeaPad A|Lenovo Tab"),
    (Tablet, Lenovo, "ThinkPad Tablet|ThinkPadTablet"),
    (Tablet, Lenovo, "A2107|A2109|A3000-|A33#0-|A3500-|A5500-|A7600-|A10-70|S5000-|S6000|B6000-"),
    (Tablet, Lenovo, "B8000-|B8080-"),
    (PhoneMaker, Lenovo, "Lenovo|L#####"),
    // Asus.
    (Tablet, Other, "P00#|P00@|P01#|P01@|P02#|P02@|K00@|K00#|K01#|K01@|TF1##|TF2##|TF3##|TF6##"),
    (Tablet, Other, "TF7##|TF8##|Transformer|ME1#|ME3#|ME5#|ZenPad"),
    (Phone, Other, "ZS###|ZC###|ZB###|ZE###|ZD###|ZA###|X00@|X01@|T00@|Z00@|Z01@|AI2###|Zenfone"),
    (Phone, Other, "PadFone"),
    (PhoneMaker, Other, "ASUS"),
    // Acer, HP, Dell, Nvidia, Toshiba, Barnes & Noble, Archos: tablets by the inches in their
    // names.
    (Tablet, Other, "A1-#|B1-#|A3-A|B3-A|Iconia|Acer A1##|Acer A2##|Acer A5##|Acer A7##"),
    (Tablet, Other, "HP Slate 7|HP Slate 8|HP Slate 10|HP SlateBook|HP 7|HP 8|HP 10|Slate 7"),
    (Tablet, Other, "Slate 8|Slate 10|Slate 17"),
    (Tablet, Other, "Venue 7|Venue 8|Venue 10|Venue7|Venue8|Venue10|Dell Streak|Streak 7"),
    (Tablet, Other, "SHIELD Tablet|TegraNote|Tegra Note"),
    (Thing, Other, "SHIELD$|SHIELD Android"),
    (Tablet, Other, "AT100|AT200|AT270|AT300|AT1S0|AT7-|AT10-|Thrive|NOOK|BNTV|BNRV"),
    (Tablet, Other, "ARCHOS 7|ARCHOS 8|ARCHOS 9|ARCHOS 10|ARCHOS 11|ARCHOS 13|Archos T"),
    (Tablet, Other, "ARCHOS Arnova|Archos Oxygen 101"),
    (PhoneMaker, Other, "Archos"),
    // Alcatel and TCL: 8xxx and 9xxx are tablets, save a few large phones.
    (Phone, Other, "8050|8063|9001|9008"),
    (Tablet, Other, "80##$|80##@|81##@|82##@|83##@|84##@|90##$|90##@|91##$|91##@|92##@|93##@"),
    (Tablet, Other, "94##@|ONE TOUCH P3|ONE TOUCH EVO"),
    (Phone, Other, "40##@|50##@|51##@|60##@|61##@|70##@|T4##@|T5##@|T6##@|T7##@"),
    // Makers of tablets.
    (Tablet, Other, "MID$|MID#|MID-#|MIDC|PMT#|PMP#|PMID|PTAB|RCT#|EGP#|EGQ#|EGS#|1000#####|QTA@"),
    (Tablet, Other, "ST10@|DSlide|SurfTab|Kurio"),
    (Tablet, Other, "Novo#|AINOL|iPlay|U##GT|Ypy|dtab|d-01|d-02|d-41|d-51|d-52|KYT3#|SHT2#|LaVie"),
    (Tablet, Other, "PC-TE|PC-TS|F-01D|F-02F|F-03G|F-04H"),
    (Tablet, Other, "IRBIS T|Plane|Optima|CITI #|CITI_#|TPAD|Hi8|Hi9|Hi10|HiPad|CW-|Ellipsis"),
    (Tablet, Other, "Lenco|Tahiti|UbiSlate|iBall Slide|iBall_Slide"),
    (Tablet, Other, "Readboy|Micromax P#|MicromaxP#|TM-7|TM-8|TM-9|TM-1|BQ-7|BQ-8|BQ-9|BQ-1"),
    (Tablet, Other, "BQru-7|BQru-8|BQru-9|BQru-1"),
    (Tablet, Other, "TECNO DP|Nokia T1#|Nokia T2#|HTC Flyer|HTC_Flyer|HTC Jetstream|Armor Pad"),
    (Tablet, Other, "Teclast|ALLDOCUBE"),
    // Electronic paper that runs Android.
    (Tablet, Other, "BOOX|Poke#|PocketBook|Likebook"),
    // Spectacles and pocket consoles.
    (Thing, Other, "Quest$|Quest 2|Quest 3|Quest Pro|Pico |Retroid|AYN |Odin2"),
    // Televisions by the inches in front of their names.
    (Thing, Other, "##@@#|##@@@#|##@@@-|##@@@_"),
    // Makers of phones.
    (PhoneMaker, Other, "TECNO|Infinix|itel|Nokia|TA-1|HMD|HTC|ZTE|BLADE|Blackview|BV#|DOOGEE"),
    (PhoneMaker, Other, "Ulefone|Armor|UMIDIGI|CUBOT|OUKITEL"),
    (PhoneMaker, Other, "LEAGOO|HOMTOM|Elephone|Meizu|Wiko|BLU|Fairphone|SH-##|SHV##|SHG##|SHL##"),
    (PhoneMaker, Other, "KYV##|KYL##|KY-##|F-##@|FCG##|ISW##"),
    (PhoneMaker, Other, "A00#@|A10#@|Micromax|LAVA|iris|Karbonn|Intex|Symphony|Walton|Primo"),
    (PhoneMaker, Other, "QMobile|GIONEE|Coolpad|LEX#|vernee|BlackBerry"),
    (PhoneMaker, Other, "Essential|Cat S|Hisense|PANTECH|IM-A|Vodafone|VFD|Smartfren|Andromax"),
    (PhoneMaker, Other, "EVERCOSS|ADVAN|MITO|IMO|Polytron|Condor"),
    (PhoneMaker, Other, "Nothing|A063|A065|A142|SHARP|AQUOS|DIGNO|arrows|TORQUE|Bluboo|Panasonic"),
    (PhoneMaker, Other, "Verykool|Fly|IQ###|Prestigio"),
    (PhoneMaker, Other, "PSP#|PAP#|BQ|Aquaris|JioPhone|LYF|LS-#|XOLO|Celkon|Spice|Videocon"),
    (PhoneMaker, Other, "Energizer|Sonim|Crosscall|RugGear"),
    (PhoneMaker, Other, "TCL|ALCATEL|ONE TOUCH|teXet|INOI|DEXP|Highscreen|Philips|Allview|myPhone"),
    (PhoneMaker, Other, "Multilaser|Positivo|Quantum|Neffos|InnJoo"),
    (PhoneMaker, Other, "YU####|GLX|KENEKSI|Vsmart|Mobiistar|FREETEL|Cherry|Starmobile|Azumi|Yezz"),
    (PhoneMaker, Other, "NYX|Own|Bmobile|Surface Duo"),
];

/// Makers' names that stand before a model and say nothing more than the maker.
#[rustfmt::skip]
pub(super) const VENDORS: &[(&str, Brand)] = &[
    ("samsung", Galaxy), ("huawei", Huawei), ("honor", Huawei), ("xiaomi", Xiaomi), ("oppo", Oppo),
    ("vivo", Vivo), ("realme", Realme), ("oneplus", OnePlus), ("motorola", Motorola),
    ("lenovo", Lenovo), ("sony", Sony), ("lge", Lg), ("lg", Lg), ("google", Other),
    ("amazon", Other), ("asus", Other), ("acer", Other), ("alcatel", Other), ("tcl", Other),
    ("toshiba", Other), ("prestigio", Other), ("irbis", Other), ("digma", Other), ("onyx", Other),
];

/// Words that tell a kind wherever they stand in a model name, where no family does. `<` and `>`
/// are word edges.
#[rustfmt::skip] // one group a line
pub(super) const WORDS: &[(Kind, &str)] = &[
    (Computer, "chromebook|thinkpad|ideapad|thinkcentre|latitude|inspiron|vostro|elitebook"),
    (Computer, "probook|vivobook|zenbook|aspire|notebook|laptop|lifebook|virtualbox|vmware"),
    (Phone, "phone|coolpad"),
    (Thing, "android tv|androidtv|smarttv|<tv>|<atv>|tvbox|box>|<stick>|projector|watch|player"),
    (Thing, "shell|<led>|qled|oled|<dvb>|<4k>|<uhd>|x96|h96|a95x|hk1|ugoos|mecool|vontar|zidoo"),
    (Thing, "odroid|raspberry|pendoo|transpeed|tanix|beelink|rk33"),
    (Tablet, "tab|pad|slate|kids|wifi|wi-fi"),
];
