//! Makes untrusted file names safe: for display, so that a terminal executes nothing in them and nothing is invisible;
//! for export, so that they cannot leave the folder.

mod characters;
mod shell;

use std::borrow::Cow;
use std::path::Path;

use characters::{MOST_MARKS, is_hidden, is_mark};

/// Longest name of an exported photo in bytes: most file systems allow 255, and a copy number needs room.
const LONGEST_FILE_NAME_BYTES: usize = 240;

/// Device names on Windows, with any extension.
const DEVICE_NAMES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// `text` for display: everything that a terminal might act on or that does not print is replaced by U+FFFD. That is
/// control and format characters (emoji joiners and bidirectional controls among them), line separators, private-use
/// characters, and all but the first few combining marks on a letter.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    replaced(text, char::REPLACEMENT_CHARACTER)
}

/// A path for the clipboard: unchanged if all of it is visible, else quoted for a shell, so that it names the same file
/// and hides nothing.
#[must_use]
pub fn pasteable(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if matches!(inert(text), Cow::Borrowed(_)) => Cow::Borrowed(text),
        _ => Cow::Owned(shell::quoted(path)),
    }
}

/// An address or path as a word of a command that the user gives to a shell; `None` if it was not text, so that no word
/// can name it.
#[must_use]
pub fn shell_word(text: &str) -> Option<Cow<'_, str>> {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-:@%+=,~".contains(character);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let is_hidden = !matches!(inert(text), Cow::Borrowed(_));
    Some(match text {
        _ if is_hidden || text.contains('\'') => Cow::Owned(shell::quoted(Path::new(text))),
        _ if text.chars().all(is_plain) && !text.is_empty() && !text.starts_with(['~', '-']) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("'{text}'")),
    })
}

/// `text` with each hidden character, and each run of marks beyond the limit, replaced.
fn replaced(text: &str, replacement: char) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    // A leading mark would combine with the character before the name on the screen.
    let mut marks = MOST_MARKS;
    for character in text.chars() {
        marks = if is_mark(character) { marks.saturating_add(1) } else { 0 };
        match marks {
            _ if is_hidden(character) => clean.push(replacement),
            0..=MOST_MARKS => clean.push(character),
            // One replacement for all marks beyond the limit.
            _ if clean.ends_with(replacement) => {}
            _ => clean.push(replacement),
        }
    }
    if clean == text { Cow::Borrowed(text) } else { Cow::Owned(clean) }
}

/// The file name under which a photo called `name` is exported: its last component, without characters that some file
/// systems refuse, never a device, never hidden, at most 240 bytes.
#[must_use]
pub fn exportable(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = replaced(last, '_').chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
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
    fn a_word_of_a_command_is_quoted_where_a_shell_would_not_take_it_as_it_is() {
        for (text, word) in [
            ("/media/usb/photos.vault", "/media/usb/photos.vault"),
            ("ssh://ann@nas:22/~/photos", "ssh://ann@nas:22/~/photos"),
            ("/a b/$HOME", "'/a b/$HOME'"),
            ("via:docker exec -i box cipherlens", "'via:docker exec -i box cipherlens'"),
            ("/it's", "$'/it\\'s'"),
            ("/red\u{1b}[31m", "$'/red\\033[31m'"),
            ("~", "'~'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text).as_deref(), Some(word));
        }
        assert_eq!(shell_word("/not\u{fffd}text"), None);
    }

    #[test]
    fn invisible_characters_are_replaced() {
        for (name, expected) in [
            ("zero\u{200b}width\u{2060}.jpg", "zero\u{fffd}width\u{fffd}.jpg"),
            ("\u{feff}bom.jpg", "\u{fffd}bom.jpg"),
            ("a\u{2028}b\u{2029}c", "a\u{fffd}b\u{fffd}c"),
            ("\u{2066}isolated\u{2069}", "\u{fffd}isolated\u{fffd}"),
            ("tag\u{e0041}\u{e007f}", "tag\u{fffd}\u{fffd}"),
            ("smuggled\u{e0100}\u{e01ef}", "smuggled\u{fffd}\u{fffd}"),
            ("placeholder\u{10eeee}", "placeholder\u{fffd}"),
            ("👨\u{200d}👩.jpg", "👨\u{fffd}👩.jpg"),
        ] {
            assert_eq!(inert(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_few_combining_marks_are_kept_and_tall_stacks_are_cut() {
        // Vietnamese, Hebrew with points, Burmese, decomposed Korean, an emoji in colour, a keycap.
        for name in [
            "Ha\u{323}\u{302}",
            "\u{5e9}\u{5c1}\u{5bc}\u{5b8}\u{591}",
            "ကြွေး",
            "\u{1112}\u{1161}\u{11ab}",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert!(matches!(inert(name), Cow::Borrowed(_)), "{name:?}");
        }
        let zalgo = format!("z{}.jpg", "\u{300}\u{316}".repeat(40));
        assert_eq!(inert(&zalgo), "z\u{300}\u{316}\u{300}\u{316}\u{fffd}.jpg");
        assert_eq!(exportable(&zalgo), "z\u{300}\u{316}\u{300}\u{316}_.jpg");
        let selectors = format!("z{}", "\u{fe00}\u{fe0e}".repeat(40));
        assert_eq!(inert(&selectors).chars().count(), 6);
        assert_eq!(inert("\u{301}\u{301}first.jpg"), "\u{fffd}first.jpg");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_with_invisible_characters_is_quoted_and_still_names_the_same_file() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        assert_eq!(pasteable(Path::new("/photos/it's 猫.jpg")), "/photos/it's 猫.jpg");
        let hidden = Path::new("/photos/it's\u{202e}\\gpj.\u{e0041}exe");
        assert_eq!(pasteable(hidden), r"$'/photos/it\'s\342\200\256\\gpj.\363\240\201\201exe'");
        for path in [hidden.as_os_str(), OsStr::new("a\nb\u{1b}[31m7"), OsStr::from_bytes(b"/\xff\xfe1.jpg")] {
            let word = pasteable(Path::new(path)).into_owned();
            assert_eq!(inert(&word), word);
            let output =
                std::process::Command::new("bash").args(["-c", &format!("printf %s {word}")]).output().unwrap();
            assert_eq!(output.stdout, path.as_bytes(), "{word}");
        }
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
            ("gpj.\u{202e}exe.\u{200b}jpg", "gpj._exe._jpg"),
            ("\u{301}\u{e0041}x.jpg", "__x.jpg"),
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
