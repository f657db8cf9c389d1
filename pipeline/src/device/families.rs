//! Families of Android models: what the first letters and digits of a model name say.
//!
//! The first family that matches decides, so a narrower one stands before a wider one. A glob's `#` is a digit, `@` a
//! letter, `$` the end of a word. Families come from the makers' public model names, never from one single model.

use super::labels::Brand::{self, *};

/// What kind of thing a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Phone,
    Tablet,
    /// A laptop or desktop that runs Android or its apps.
    Computer,
    /// A television, box, watch, console, car …
    Thing,
    Unknown,
}
use Kind::{Computer, Phone, Tablet, Thing};

#[rustfmt::skip] // one group a line
pub(super) const FAMILIES: &[(Kind, Brand, &str)] = &[
    // Samsung.
    (Tablet, Galaxy, "SM-T#|SM-X#|SM-P#|GT-P#|GT-N51|GT-N80|SCH-I800|SCH-I905|SCH-I915|SCH-I925"),
    (Tablet, Galaxy, "SGH-I467|SGH-I497|SGH-I957|SGH-I987|SGH-T849|SGH-T859|SGH-T869|SPH-P#"),
    (Tablet, Galaxy, "SHW-M180|SHW-M3#5|SHW-M380|SHW-M430|SHW-M48|SHW-M500|SHV-E140|SHV-E150|SHV-E230"),
    (Tablet, Galaxy, "SC-01C|SC-01D|SC-01E|SC-02D|SCT2#|Galaxy Tab|GalaxyTab"),
    (Thing, Other, "SM-R#|SM-V#|SM-L#|SM-LED|EK-GC|EK-KC|GearVR"),
    (Phone, Galaxy, "SM-@|GT-@#|SHV-E|SHW-M|SCH-@|SGH-@|SPH-@|SC-0#|SC-4|SC-5|SCV#|SCG#|SC-@|Galaxy Nexus|Galaxy"),
    // Google.
    (Tablet, Pixel, "Pixel C|Pixel Tablet"),
    (Computer, Pixel, "Pixelbook|Pixel Slate"),
    (Phone, Pixel, "Pixel$|Pixel #|Pixel@#"),
    (Tablet, Other, "Nexus 7|Nexus 9|Nexus 10|Nexus7|Nexus10"),
    (Thing, Other, "Nexus Player|Nexus Q"),
    (Phone, Other, "Nexus"),
    // Amazon.
    (Tablet, Other, "KF@@|Kindle|Amazon Kindle|Amazon KF"),
    (Thing, Other, "AFT@|AEO@@|Amazon Fire TV"),
    (Phone, Other, "SD4930UR"),
    // Huawei and Honor: -W is Wi-Fi only.
    (Tablet, Huawei, "MediaPad|Media Pad|MatePad|@@@-W#|@@@#-W#|AGS-|AGS#-|BAH-|BAH#-|KOB-|KOB#-|BTV-|CPN-|SHT-|CMR-|MRX-"),
    (Tablet, Huawei, "JDN-|JDN#-|AGR-|BZT-|BZT#-|SCM-|SCMR-|DBY-|DBY#-|DBR-|WGR-|GOT-|PCE-|BTK-|BTKR-|AGM-|AGM#-|FDR-|PLE-7|BGO-|BG#-|KJR-|HEY#-|HDN-"),
    (Tablet, Huawei, "S7-#|S8-#|S10-#|T1-7|T1-8|T1-A|T1-#|M2-|IDEOS S7"),
    (Phone, Huawei, "@@@-L##|@@@-LX|@@@-AL##|@@@-TL##|@@@-CL##|@@@-DL##|@@@-UL##|@@@-AN##|@@@-NX|@@@-N##|@@@-TN##|@@@-L#@|@@@-A##|@@@-U##|@@@-T##|@@@-BX"),
    // Xiaomi: RP stands for a tablet in its model codes.
    (Tablet, Xiaomi, "MI PAD|MiPad|Xiaomi Pad|Redmi Pad|POCO Pad|#####RP|######RP|#####CRP|####CRP|####RP"),
    (Thing, Other, "MiTV|MiBOX|Mi Box"),
    (Phone, Xiaomi, "Redmi|POCO|Xiaomi|MIX$|MI |Mi-|HM NOTE|HM #|HM#|HM$|M200#@|M201#@|M210#@|2#####@|2######@|2#######@|2####@#|2###@##@"),
    // Oppo, Realme, OnePlus, Vivo. CPH is Oppo's, since 2022 also OnePlus's.
    (Tablet, Oppo, "OPD2#"),
    (Tablet, Realme, "RMP2#|realme Pad"),
    (Tablet, OnePlus, "OnePlus Pad"),
    (Tablet, Vivo, "vivo Pad|PA2#|DPD2#"),
    (Phone, Oppo, "CPH1#|CPH20|CPH21|CPH22|OPPO|P@@@00|P@@T00|A10#OP|OPG0#"),
    (Phone, Other, "CPH#|P@@#10|P@@@10"),
    (Phone, Realme, "RMX#|realme"),
    (Phone, OnePlus, "ONEPLUS|ONE A2|ONE E1|KB2#|IN20|HD19|GM19|LE21|AC20|NE22|DN21|BE20|EB21|DE21|GN22"),
    (Phone, Vivo, "vivo|iQOO|V1###|V2###|I2###$"),
    // Motorola.
    (Tablet, Motorola, "Xoom|MZ6|MZ5|moto tab|moto pad"),
    (Phone, Motorola, "moto|XT#|DROID|MB#|ME8#|Milestone|razr"),
    // LG.
    (Tablet, Lg, "LG-V#|VK#|UK#|G Pad|LM-T6|LG-AK"),
    (Phone, Lg, "LG-|LM-|LGM-|LGL#|LGLS|LGMS|LGUS|LGV#|LG@|VS#|LGT"),
    // Sony.
    (Tablet, Sony, "SGP#|SGPT|Sony Tablet|Xperia Tablet|SO-03E|SO-05F|SO-05G|SOT#"),
    (Phone, Sony, "SO-#|SOV#|SOG#|SOL#|XQ-|Xperia|LT2#i|ST2#|MT1#|E15i|Sony"),
    // Lenovo.
    (Tablet, Lenovo, "TB-#|TB-@#|TB#|TB@#|TB-|YT-#|YT#-|YT-@|YB1-|YOGA Tab|Yoga Tablet|YOGA Book|IdeaTab|IdeaPad A|Lenovo Tab|ThinkPad Tablet"),
    (Tablet, Lenovo, "A7600|A5500|A3500-|A3300|A3000-|A10-70|A7-|S6000|S5000|B6000|B8000|B8080|A2107|A2109|A1000-|A7-#|Tab#|LNV-Lenovo Tab|PB#-#|PB-#"),
    (Phone, Lenovo, "Lenovo|L#####"),
    // Asus.
    (Tablet, Other, "P00#|P00@|P01#|P01@|P02#|P02@|K00@|K00#|K01#|K01@|TF#|Transformer|ME1#|ME3#|ME5#|ZenPad|Slider SL|PadFone T"),
    (Phone, Other, "ZS###|ZC###|ZB###|ZE###|ZD###|ZA###|ZX###|X00@|X01@|T00@|Z00@|Z01@|I00#D|I003D|I005D|ASUS_AI|ASUS_I|ASUS_X|ASUS_Z|ASUS_T|ASUS_A|PadFone|AI2#"),
    // Acer, HP, Dell, Nvidia, Toshiba, Nook, Archos.
    (Tablet, Other, "A1-#|A3-A|B1-#|B3-A|A100$|A101$|A110$|A200$|A210$|A211$|A500$|A501$|A510$|A511$|A700$|A701$|Iconia|HP Slate 7|HP Slate 8|HP Slate 10|HP SlateBook|HP 7|HP 8|HP 10|Slate 7|Slate 8|Slate 10|Slate 17"),
    (Tablet, Other, "Venue|Dell Streak 7|Dell Streak 10|Streak 7|SHIELD Tablet|TegraNote|Tegra Note|AT100|AT200|AT270|AT300|AT1S0|AT7-|AT10|Thrive|NOOK|BNTV|BNRV|LogicPD Zoom2"),
    (Phone, Other, "ARCHOS 3|ARCHOS 4|ARCHOS 5#|Archos Diamond|Archos Sense|Archos Access|Archos Core 5|Archos Core 6"),
    (Tablet, Other, "ARCHOS 7|ARCHOS 8|ARCHOS 9|ARCHOS 10|ARCHOS 11|ARCHOS 13|Archos T|ARCHOSPad|Archos Oxygen 101|ARCHOS Arnova|AN#@#|Archos 1"),
    // Alcatel and TCL: 8xxx and 9xxx are tablets, save a few big phones.
    (Phone, Other, "8050|9001|9008|8063"),
    (Tablet, Other, "80##$|80##@|81##@|82##@|83##@|84##@|90##@|91##@|92##@|90##$|91##$|94##@|93##@"),
    (Phone, Other, "40##@|50##@|51##@|60##@|61##@|70##@|T7##@|ALCATEL|Alcatel|ONE TOUCH|TCL"),
    // Families of makers who sell tablets only, or name them so.
    (Tablet, Other, "MID$|MID#|MIDC|M-MP|PMT#|PMP#|PMID|PTAB|RCT#|EGP#|EGQ#|EGS#|EM#@|1000#####|QTA|ST10@|DSlide|D-SLIDE|LIFETAB|SurfTab|Kurio|Novo#|NOVO|AINOL|iPlay|Ypy|Positivo Ypy|POSITIVO T|dtab|d-01|d-02|d-41|d-51|d-52|KYT3#|SHT2#|LaVie|PC-TE|PC-TS|PC-T|F-01D|F-02F|F-03G|F-04H|F-05E"),
    (Tablet, Other, "IRBIS TZ|IRBIS TW|IRBIS TX|TZ#|TW#|Plane|Optima|TPAD|Hi8|Hi9|Hi10|HiPad|HiBook|CW-|U#GT|U##GT|ADVAN|Ellipsis|Fire HD|eSTAR|Lenco|Digiland|DL#|Tahiti|UbiSlate|Slide|QUMO|CT#|TT-#|SmartTab|KidsPad|Kids|GoTab|LC0|NID|NB-P|MPQC|MPDC|MPGI|NX#@|TM-#|TP-|TLINK|IdolPad|ELF|TOPAZ"),
    (Tablet, Other, "Armor Pad|RT#$|OT#$|T10$|T20$|T30$|T40$|P20HD|P25T|M40$|X98|P80|P85|P98|V88|V919|Teclast|TLP|ALLDOCUBE|Walpad|TAB|Pad "),
    // Makers who sell phones.
    (Phone, Other, "TECNO|Infinix|itel|Nokia|TA-#|HMD|HTC|ZTE|BLADE|Blackview|BV#|DOOGEE|Ulefone|Armor|UMIDIGI|CUBOT|OUKITEL|LEAGOO|HOMTOM|Elephone|Meizu|Wiko|BLU|Fairphone|SH-#|SHV##|SHG#|SHL#|KYV#|KYL|KYF|F-#|FCG#|IS#|ISW#|Micromax|LAVA|Karbonn|Intex|Symphony|Walton|QMobile|GIONEE|Coolpad|LE X|Le |LEX#|vernee|BlackBerry|BB|PH-1|Essential|CAT$|Cat S|S4#|S6#|AGM|Hisense|PANTECH|IM-A|TA-|Vodafone|VFD|Smartfren|Andromax|EVERCOSS|Polytron|Condor|Nothing|A063|A065|A142|RAZER|SHARP|AQUOS|DIGNO|arrows|TORQUE|Bluboo|Haier|Panasonic ELUGA|Verykool|Ergo|Fly|Prestigio|PSP#|PAP#|BQ-5|BQ-6|BQS|BQ Aquaris X|Aquaris X|Aquaris U|Aquaris E|JioPhone|LYF|LS-#|Swipe|iris|iTel|Energizer|Land Rover|Sonim|XP#|Crosscall|CORE-|RUGGEAR|Zenfone|ROG|Surface Duo"),
];

/// Makers' names that stand before a model.
#[rustfmt::skip]
pub(super) const VENDORS: &[(&str, Brand)] = &[
    ("samsung", Galaxy), ("huawei", Huawei), ("honor", Huawei), ("xiaomi", Xiaomi), ("redmi", Xiaomi), ("poco", Xiaomi), ("oppo", Oppo),
    ("vivo", Vivo), ("realme", Realme), ("oneplus", OnePlus), ("motorola", Motorola), ("lenovo", Lenovo), ("sony", Sony), ("lge", Lg), ("lg", Lg),
    ("google", Other), ("asus", Other), ("acer", Other), ("alcatel", Other), ("tcl", Other), ("zte", Other), ("nokia", Other), ("htc", Other),
    ("meizu", Other), ("gionee", Other), ("amazon", Other), ("hp", Other), ("dell", Other), ("toshiba", Other), ("sharp", Other), ("prestigio", Other), ("irbis", Other), ("digma", Other),
];

/// Words that tell a kind wherever they stand in a model name, tried after the families.
pub(super) const WORDS: &[(Kind, &str)] = &[
    (
        Computer,
        "chromebook|thinkpad|ideapad|latitude|inspiron|elitebook|probook|vivobook|zenbook|aspire|bilimbook|notebook|laptop|virtualbox|vmware",
    ),
    (Phone, "phone|fonepad"),
    (Tablet, "tab|pad|slate|kids"),
    (
        Thing,
        "<tv>|<box>|tvbox|<stick|projector|<watch>|player|led>|<atv|<stb|android tv|smarttv",
    ),
];
