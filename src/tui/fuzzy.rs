//! Fuzzy matching of typed letters against names: all letters in order, better when they start words or stand together.

/// How well `pattern` matches `text`, higher is better; `None` when some letter is missing. Case counts only where
/// `pattern` has an upper-case letter.
#[must_use]
pub(super) fn score(pattern: &str, text: &str) -> Option<i32> {
    const START_OF_WORD: i32 = 8;
    const NEXT_TO_LAST: i32 = 12;
    let exact = pattern.chars().any(char::is_uppercase);
    let same =
        |wanted: char, found: char| wanted == found || (!exact && found.to_lowercase().eq(wanted.to_lowercase()));
    let letters: Vec<char> = text.chars().collect();
    let wanted: Vec<char> = pattern.chars().filter(|letter| !letter.is_whitespace()).collect();
    // best[j]: the best score with the letters so far matched, the last of them at j.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (index, letter) in wanted.iter().enumerate() {
        let mut next = vec![None; letters.len()];
        // The best of the earlier row strictly before j, kept up as j moves.
        let mut before: Option<i32> = (index == 0).then_some(0);
        for (at, found) in letters.iter().enumerate() {
            if same(*letter, *found) {
                let starts = at == 0 || !letters[at - 1].is_alphanumeric();
                let bonus = if starts { START_OF_WORD } else { 0 };
                let adjacent = (index > 0 && at > 0).then(|| best[at - 1]).flatten().map(|score| score + NEXT_TO_LAST);
                next[at] = before.max(adjacent).map(|score| score + bonus - i32::from(index == 0 && at > 0));
            }
            if index > 0 {
                before = before.max(best[at]);
            }
        }
        best = next;
    }
    if wanted.is_empty() { Some(0) } else { best.into_iter().flatten().max() }
}

/// The indices of the items whose text matches `pattern`, best first; equally good ones keep their order.
pub(super) fn matching<'a>(pattern: &str, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut scored: Vec<(i32, usize)> =
        texts.enumerate().filter_map(|(index, text)| Some((score(pattern, text)?, index))).collect();
    scored.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
    scored.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_order_only() {
        assert!(score("img7", "IMG_2047.jpg").is_some());
        assert!(score("7img", "IMG_2047.jpg").is_none());
        assert!(score("IMG", "img_2047.jpg").is_none(), "an upper-case letter asks for case");
        assert_eq!(score("", "anything"), Some(0));
    }

    #[test]
    fn starts_of_words_and_neighbours_come_first() {
        let names = ["a-capital.jpg", "alps cat.jpg", "cat.jpg", "c-a-t.jpg"];
        let order: Vec<&str> = matching("cat", names.iter().copied()).into_iter().map(|index| names[index]).collect();
        assert_eq!(order[0], "cat.jpg");
        assert_eq!(order[1], "alps cat.jpg");
        assert_eq!(order.len(), 4);
    }
}
