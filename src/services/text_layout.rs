//! Text in columns of a terminal: how wide it is, and cut or padded to a width. East Asian characters and emoji take
//! two columns, combining marks none.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, its end replaced by an ellipsis where it is too long.
#[must_use]
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(1);
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        // Measured as a whole: a variation selector makes the character before it wider.
        if kept.width() > room {
            kept.pop();
            break;
        }
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// `text` in at most `columns` columns, its beginning replaced by an ellipsis: for paths, whose end says most.
#[must_use]
pub fn fit_end(text: &str, columns: usize) -> Cow<'_, str> {
    let too_wide = text.width();
    if too_wide <= columns {
        return Cow::Borrowed(text);
    }
    let mut excess = (too_wide + 1).saturating_sub(columns);
    let start = text.char_indices().find(|(_, character)| {
        let fits = excess == 0;
        excess = excess.saturating_sub(character.width().unwrap_or(0));
        fits
    });
    Cow::Owned(format!("…{}", &text[start.map_or(text.len(), |(at, _)| at)..]))
}

/// `text` in exactly `columns` columns.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let missing = columns.saturating_sub(text.width());
    format!("{text}{:missing$}", "")
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
    }
}
