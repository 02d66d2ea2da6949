//! Names of photos, which come from anywhere: shown so that a terminal obeys nothing in them, exported so that they
//! cannot leave the folder.

use std::borrow::Cow;

/// The longest name given to an exported photo, in bytes: most file systems take 255, and a copy's number needs room.
const LONGEST_FILE_NAME_BYTES: usize = 240;

/// Names that Windows gives to devices, with any extension.
const DEVICE_NAMES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// `text` with everything a terminal might act on replaced: control characters (C0, C1, DEL) and the invisible marks
/// that reorder text become U+FFFD.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts_on_a_terminal) {
        Cow::Owned(text.chars().map(|c| if acts_on_a_terminal(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The file name under which a photo called `name` may be written into a folder: the last component only, without
/// characters that some file system refuses, never a device, never hidden, never longer than 240 bytes.
#[must_use]
pub fn exportable(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String =
        last.chars().map(|c| if acts_on_a_terminal(c) || "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    // Leading dots would hide the file (or climb), trailing dots and spaces vanish on Windows.
    let clean = clean.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let (stem, extension) = match clean.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 16 => (stem, Some(extension)),
        _ => (clean, None),
    };
    let device = DEVICE_NAMES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    let prefix = if device || stem.is_empty() { "photo_" } else { "" };
    let room = LONGEST_FILE_NAME_BYTES - prefix.len() - extension.map_or(0, |extension| extension.len() + 1);
    let stem = &stem[..stem.floor_char_boundary(room)];
    match extension {
        Some(extension) => format!("{prefix}{stem}.{extension}"),
        None => format!("{prefix}{stem}"),
    }
}

/// The name of copy number `copy` of `name`: `photo.jpg` becomes `photo (2).jpg`.
#[must_use]
pub fn numbered(name: &str, copy: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({copy}).{extension}"),
        _ => format!("{name} ({copy})"),
    }
}

fn acts_on_a_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        let clipboard = "a\u{1b}]52;c;aGk=\u{7}b.jpg";
        assert_eq!(inert(clipboard), "a\u{fffd}]52;c;aGk=\u{fffd}b.jpg");
        assert_eq!(inert("\u{9b}31mred\u{202e}gpj.exe"), "\u{fffd}31mred\u{fffd}gpj.exe");
        assert!(matches!(inert("Größe 猫.jpg"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_exported_name_cannot_leave_the_folder() {
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("/abs/photo.jpg", "photo.jpg"),
            ("C:\\Users\\me\\cat.png", "cat.png"),
            ("..", "photo_"),
            ("", "photo_"),
            (".hidden.jpg", "hidden.jpg"),
            ("a\nb\u{1b}c.jpg", "a_b_c.jpg"),
            ("nul.jpg", "photo_nul.jpg"),
            ("what?.gif ", "what_.gif"),
        ] {
            assert_eq!(exportable(name), expected, "{name:?}");
        }
    }

    #[test]
    fn copies_are_numbered_before_the_extension() {
        assert_eq!(numbered("cat.jpg", 2), "cat (2).jpg");
        assert_eq!(numbered("cat", 3), "cat (3)");
    }

    #[test]
    fn a_long_name_is_cut_but_keeps_its_extension() {
        let long = exportable(&format!("{}.jpeg", "猫".repeat(150)));
        assert!(long.len() <= LONGEST_FILE_NAME_BYTES && long.ends_with("猫.jpeg"), "{} bytes", long.len());
        assert!(numbered(&long, 1_000_000_000).len() <= 255);
        assert_eq!(exportable(&"x".repeat(300)).len(), LONGEST_FILE_NAME_BYTES);
    }
}
