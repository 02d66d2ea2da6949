//! Which characters of a name are visible. The others do not print, or change how the text around them looks.
//!
//! Ranges are those of Unicode 17: UnicodeData.txt (general categories Cf, Zl, Zp and Co) and DerivedCoreProperties.txt
//! (Default_Ignorable_Code_Point).

use unicode_width::UnicodeWidthChar;

/// Combining marks shown on one letter. Living scripts need up to four (Hebrew points and accents, Tibetan and Burmese
/// stacks); more would cover the lines above and below.
pub(super) const MOST_MARKS: usize = 4;

/// Whether `character` is drawn on the one before it: combining marks, variation selectors, the later parts of a
/// decomposed Korean syllable.
pub(super) fn is_mark(character: char) -> bool {
    character.width() == Some(0)
}

/// Whether `character` is never shown: a control, a format character (bidirectional controls, joiners, tags), a line or
/// paragraph separator, an invisible character, or a private-use one. Terminals give private-use characters meanings of
/// their own: kitty draws pictures in place of U+10EEEE.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Cf: format characters. Joiners of emoji and of Persian words are among them.
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            // Zl and Zp: separators of lines and paragraphs.
            | '\u{2028}'..='\u{2029}'
            // Invisible, but not format characters: fillers, Mongolian variation selectors, and the block of tags and
            // supplementary variation selectors. The ordinary variation selectors are treated as marks.
            | '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
            // Co: private use.
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_hidden_and_letters_of_all_scripts_are_not() {
        let hidden = [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206a}',
            '\u{3164}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e001}',
            '\u{f8ff}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{f0000}',
            '\u{10eeee}',
        ];
        for character in hidden {
            assert!(is_hidden(character), "U+{:04X}", u32::from(character));
        }
        for character in
            " azAZ09äñßİжщאבשعربहिंदीกขคབོད한글漢字かなアΩ—“”…€🏖❤️🇨🇭\u{301}\u{fe0f}\u{20e3}\u{fffd}\u{a0}".chars()
        {
            assert!(!is_hidden(character), "U+{:04X}", u32::from(character));
        }
        for mark in "\u{301}\u{489}\u{5b8}\u{941}\u{e31}\u{f90}\u{fe0f}\u{20e3}\u{11ab}".chars() {
            assert!(is_mark(mark), "U+{:04X}", u32::from(mark));
        }
    }
}
