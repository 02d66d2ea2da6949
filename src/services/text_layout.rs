//! Text in terminal columns: measured, cut, padded and wrapped. East Asian characters and emoji take two columns,
//! combining marks none.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_truncate::UnicodeTruncateStr;
use unicode_width::UnicodeWidthStr;

/// The columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns; an ellipsis replaces its end if it is too wide.
#[must_use]
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    match columns.checked_sub(1) {
        _ if text.width() <= columns => Cow::Borrowed(text),
        Some(room) => Cow::Owned(format!("{}…", text.unicode_truncate(room).0)),
        None => Cow::Borrowed(""),
    }
}

/// `text` in at most `columns` columns; an ellipsis replaces its beginning if it is too wide. For paths, whose end says
/// the most.
#[must_use]
pub fn fit_end(text: &str, columns: usize) -> Cow<'_, str> {
    match columns.checked_sub(1) {
        _ if text.width() <= columns => Cow::Borrowed(text),
        Some(room) => Cow::Owned(format!("…{}", text.unicode_truncate_start(room).0)),
        None => Cow::Borrowed(""),
    }
}

/// `text` in exactly `columns` columns.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let missing = columns.saturating_sub(text.width());
    format!("{text}{:missing$}", "")
}

/// `text` in lines of at most `columns` columns, broken at white space, or inside words that are wider than a line.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let options = Options::new(columns.max(1))
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(&words.join(" "), options).into_iter().map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_and_not_by_letters() {
        assert_eq!(fit("猫猫猫", 5), "猫猫…");
        assert_eq!(fit("猫猫猫", 4), "猫…");
        assert_eq!(fit("cat", 3), "cat");
        assert_eq!(fit("❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", 5), "❤\u{fe0f}❤\u{fe0f}…");
        assert_eq!(fit("🌻🌻🌻", 4), "🌻…");
        assert_eq!(fit_end("/photos/2024/cats", 9), "…024/cats");
        assert_eq!(padded("猫", 4), "猫  ");
        assert_eq!((fit("cat", 0), fit_end("cat", 0), fit("cat", 1)), ("".into(), "".into(), "…".into()));
    }

    #[test]
    fn wrapping_breaks_between_words_and_breaks_long_ones() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[""]),
            ("one  two", &["one two"]),
            ("one two three", &["one two", "three"]),
            ("one-two three", &["one-two", "three"]),
            ("abcdefghijklmnopq", &["abcdefgh", "ijklmnop", "q"]),
            ("a bcdefghi 猫猫猫猫猫", &["a", "bcdefghi", "猫猫猫猫", "猫"]),
        ];
        for (text, lines) in cases {
            assert_eq!(wrap(text, 8), lines, "{text}");
        }
    }
}
