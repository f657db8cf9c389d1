//! Looks a model name up in the tables of families and words.

use std::sync::LazyLock;

use super::families::{FAMILIES, Kind, WORDS};
use super::labels::Brand;

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

/// The kind and brand of the first family whose glob matches the start of a name.
pub(super) fn family_of(name: &[u8]) -> Option<(Kind, Brand)> {
    let candidates = &BY_FIRST_BYTE[usize::from(*name.first()?)];
    candidates
        .iter()
        .find(|family| glob_matches(family.glob, name))
        .map(|family| (family.kind, family.brand))
}

/// The kind of the first word that stands anywhere in a name.
pub(super) fn kind_by_words(name: &[u8]) -> Option<Kind> {
    WORDS
        .iter()
        .find(|(_, words)| {
            words
                .split('|')
                .any(|word| contains_word(name, word.as_bytes()))
        })
        .map(|&(kind, _)| kind)
}

/// Whether a glob matches the start of a name: `#` is a digit, `@` a letter, `$` the end of the
/// name; every other byte is itself, without regard to ASCII case.
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

/// Whether a name contains a word: `<` before it means no letter before, `>` after it none after.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_the_start_of_a_name_and_a_dollar_its_end() {
        assert!(glob_matches(b"SM-T#", b"sm-t870"));
        assert!(!glob_matches(b"SM-T#", b"SM-TX"));
        assert!(glob_matches(b"@@@-W##", b"AGS-W09HN"));
        assert!(glob_matches(b"Pixel$", b"Pixel"));
        assert!(!glob_matches(b"Pixel$", b"Pixelphone"));
        assert!(!glob_matches(b"SM-T#", b"SM-"));
    }

    #[test]
    fn a_word_is_found_at_its_edges_only() {
        assert!(contains_word(b"MI_TV 4", b"<tv>"));
        assert!(!contains_word(b"MTV4", b"<tv>"));
        assert!(contains_word(b"LifeTab", b"tab"));
        assert!(!contains_word(b"", b"tab"));
    }

    #[test]
    fn no_glob_and_no_word_is_empty() {
        let globs = FAMILIES.iter().flat_map(|(_, _, globs)| globs.split('|'));
        let words = WORDS.iter().flat_map(|(_, words)| words.split('|'));
        for text in globs.chain(words) {
            assert!(
                text.trim_matches(['<', '>', '$', ' ']).len() > 1,
                "{text:?}"
            );
        }
    }

    #[test]
    fn no_family_is_hidden_behind_a_wider_one_that_says_something_else() {
        let all: Vec<_> = FAMILIES
            .iter()
            .flat_map(|&(kind, brand, globs)| globs.split('|').map(move |glob| (kind, brand, glob)))
            .collect();
        for (at, &(kind, brand, glob)) in all.iter().enumerate() {
            let name = glob.replace('#', "1").replace('@', "Q").replace('$', "");
            for &(other_kind, other_brand, wider) in &all[..at] {
                let hides = glob_matches(wider.as_bytes(), name.as_bytes());
                let differs = (kind, brand) != (other_kind, other_brand);
                assert!(
                    !(hides && differs),
                    "{glob} is never reached behind {wider}"
                );
            }
        }
    }
}
