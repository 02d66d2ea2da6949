//! Fuzzy matching of typed letters against names, ranked as in fzf (nucleo): all letters must occur in order, and rank
//! higher at the start of words or next to each other. Case matters only if the pattern has an upper-case letter.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// The indices of the texts that match `pattern`, in their order, each with its score.
fn scored<'a>(pattern: &str, texts: impl Iterator<Item = &'a str>) -> Vec<(u16, usize)> {
    // One pattern, not one per word: the letters must match in the order in which they are typed.
    let letters: String = pattern.split_whitespace().collect();
    let atom = Atom::new(&letters, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
    let mut config = Config::DEFAULT;
    config.prefer_prefix = true;
    let mut matcher = Matcher::new(config);
    let mut buffer = Vec::new();
    texts
        .enumerate()
        .filter_map(|(index, text)| Some((atom.score(Utf32Str::new(text, &mut buffer), &mut matcher)?, index)))
        .collect()
}

/// The indices of the texts that match `pattern`, best first; equally good ones keep their order.
pub(super) fn best_first<'a>(pattern: &str, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut scored = scored(pattern, texts);
    scored.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
    scored.into_iter().map(|(_, index)| index).collect()
}

/// The indices of the texts that match `pattern`, in their order.
pub(super) fn in_order<'a>(pattern: &str, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    scored(pattern, texts).into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        !in_order(pattern, [text].into_iter()).is_empty()
    }

    #[test]
    fn letters_match_in_order_only() {
        assert!(matches("img7", "IMG_2047.jpg"));
        assert!(!matches("7img", "IMG_2047.jpg"));
        assert!(!matches("7 img", "IMG_2047.jpg"));
        assert!(!matches("IMG", "img_2047.jpg"), "an upper-case letter makes case matter");
        assert!(matches("", "anything") && matches("", ""));
    }

    #[test]
    fn signs_have_no_special_meaning() {
        for sign in ["^", "!", "'", "$", "\\"] {
            assert!(!matches(sign, "cat.jpg"), "{sign}");
            assert!(matches(sign, &format!("cat{sign}.jpg")), "{sign}");
        }
    }

    #[test]
    fn starts_of_words_and_neighbours_come_first() {
        let names = ["a-capital.jpg", "alps cat.jpg", "cat.jpg", "c-a-t.jpg"];
        let order: Vec<&str> = best_first("cat", names.iter().copied()).into_iter().map(|index| names[index]).collect();
        assert_eq!(order[0], "cat.jpg");
        assert_eq!(order[1], "alps cat.jpg");
        assert_eq!(order.len(), 4);
        assert_eq!(in_order("cat", names.iter().copied()), [0, 1, 2, 3]);
    }
}
