//! The marks a User-Agent carries, found in one pass over its text.
//!
//! A pattern is matched without regard to ASCII case. `<` before it means that no letter may stand
//! before it, `>` after it that no letter may stand after it, so that `bot>` finds "Googlebot/2.1"
//! but not "Botswana".

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::tables::MARKS;

/// Longest version and model behind "Android" that are looked at for product names, bytes.
const MAX_MODEL_BYTES: usize = 64;

/// What a pattern says about the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mark {
    // Who asks.
    Bot,
    NotBot,
    Link,
    /// Words programs introduce themselves with, which old browsers use too.
    Introduction,
    // What it runs on: `Thing` is the first and `Tizen` the last of these.
    Thing,
    /// "TV" alone: some phones receive television.
    TvWord,
    IPhone,
    IPad,
    IPod,
    Ios,
    Macintosh,
    Darwin,
    Intel,
    Windows,
    WindowsNt,
    WindowsPhone,
    ChromeOs,
    Linux,
    LinuxPc,
    OtherDesktop,
    Android,
    Harmony,
    OtherTablet,
    FeaturePhone,
    Tizen,
    // What the sender says of its size.
    MobileWord,
    TabletWord,
    // Which browser.
    Kakao,
    Naver,
    Line,
    Whale,
    Samsung,
    Edge,
    Opera,
    OperaMini,
    Firefox,
    InApp,
    WebView,
    OtherBrowser,
    Msie,
    Chrome,
    Safari,
    WebKit,
    Version,
}

const _: () = assert!(
    (Mark::Version as u32) < u64::BITS,
    "a set of marks is one word"
);

/// The marks found, and where the text goes on after the first word "Android".
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    set: u64,
    pub(super) after_android: Option<usize>,
}

impl Marks {
    pub(super) const fn has(self, mark: Mark) -> bool {
        self.set & (1 << mark as u64) != 0
    }

    /// Whether anything says what the sender runs on.
    pub(super) fn names_a_system(self) -> bool {
        let below = |mark: Mark| (1_u64 << mark as u64) - 1;
        self.set & (below(Mark::MobileWord) & !below(Mark::Thing)) != 0
    }

    pub(super) fn any(self, marks: &[Mark]) -> bool {
        marks.iter().any(|&mark| self.has(mark))
    }
}

struct Pattern {
    mark: Mark,
    starts_word: bool,
    ends_word: bool,
}

struct Scanner {
    automaton: Option<AhoCorasick>,
    patterns: Vec<Pattern>,
}

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let written = || {
        MARKS
            .iter()
            .flat_map(|&(mark, texts)| texts.split('|').map(move |text| (mark, text)))
    };
    let patterns = written()
        .map(|(mark, text)| Pattern {
            mark,
            starts_word: text.starts_with('<'),
            ends_word: text.ends_with('>'),
        })
        .collect();
    let literals = written().map(|(_, text)| text.trim_start_matches('<').trim_end_matches('>'));
    // Building fails only beyond 2^31 states; a test proves that this table builds.
    let automaton = AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(literals)
        .ok();
    Scanner {
        automaton,
        patterns,
    }
});

/// All marks of a text.
pub(super) fn scan(text: &[u8]) -> Marks {
    let mut marks = Marks::default();
    let Some(automaton) = &SCANNER.automaton else {
        return marks;
    };
    for found in automaton.find_overlapping_iter(text) {
        let Some(pattern) = SCANNER.patterns.get(found.pattern().as_usize()) else {
            continue;
        };
        if pattern.starts_word && found.start() > 0 && text[found.start() - 1].is_ascii_alphabetic()
        {
            continue;
        }
        if pattern.ends_word && text.get(found.end()).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        if pattern.mark == Mark::Bot && names_product(text, marks.after_android, found.end()) {
            continue;
        }
        marks.set |= 1 << pattern.mark as u64;
        // Package names ("com.google.android.youtube") and products ("AndroidDownloadManager")
        // stand before no model.
        let says_version = pattern.mark == Mark::Android
            && matches!(
                text.get(found.end()),
                Some(b' ' | b';' | b'/' | b'-' | b'0'..=b'9')
            );
        if says_version && marks.after_android.is_none() {
            marks.after_android = Some(found.end());
        }
    }
    marks
}

/// Whether a text up to here is still the model behind Android's version: there a word for a program
/// is part of a product's name ("M bot 54", "Scanner CT50").
fn names_product(text: &[u8], after_android: Option<usize>, end: usize) -> bool {
    after_android.is_some_and(|start| {
        let model = &text[start..end];
        model.len() <= MAX_MODEL_BYTES
            && !model.iter().any(|byte| matches!(byte, b')' | b'/'))
            && text.get(end) != Some(&b'/')
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_of_marks_builds_an_automaton() {
        assert!(SCANNER.automaton.is_some());
        assert!(SCANNER.patterns.len() > MARKS.len());
    }

    #[test]
    fn a_word_edge_keeps_a_pattern_from_matching_inside_a_word() {
        assert!(scan(b"Googlebot/2.1").has(Mark::Bot));
        assert!(scan(b"x (compatible; AhrefsBot)").has(Mark::Bot));
        assert!(!scan(b"Botswana").has(Mark::Bot));
        assert!(scan(b"Foo TV Safari").has(Mark::Thing));
        assert!(!scan(b"XTVX").has(Mark::Thing));
    }

    #[test]
    fn a_word_for_programs_inside_a_model_is_part_of_a_products_name() {
        assert!(!scan(b"Mozilla/5.0 (Linux; Android 9; Acme Bot 54) AppleWebKit").has(Mark::Bot));
        assert!(scan(b"Mozilla/5.0 (Linux; Android 9; Acmebot/2.1) AppleWebKit").has(Mark::Bot));
        assert!(scan(b"Mozilla/5.0 (Linux; Android 9; X) (compatible; Acmebot)").has(Mark::Bot));
    }

    #[test]
    fn the_text_after_android_starts_behind_its_first_occurrence() {
        let text = b"Mozilla/5.0 (Linux; Android 14; SM-S921N) Android/1";
        let start = scan(text).after_android.unwrap();
        assert!(text[start..].starts_with(b" 14; SM-S921N)"));
    }
}
