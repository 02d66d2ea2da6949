//! Photos through the terminal to the machine in front of the user (iTerm2's OSC 1337 `File`,
//! <https://iterm2.com/documentation-images.html>), or the line to type there instead.

use crate::preview::base64;
use crate::services::name::exportable;

/// A larger photo takes a terminal too long.
const LARGEST_BYTES: usize = 50 << 20;

/// A photo that is too large to go through a terminal.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct TooLarge;

/// Whether the terminal is known to store files that are sent to it.
pub(super) fn is_understood() -> bool {
    let names = |variable: &str, terminal: &str| std::env::var(variable).is_ok_and(|value| value.contains(terminal));
    names("TERM_PROGRAM", "iTerm") || names("LC_TERMINAL", "iTerm")
}

/// What makes the terminal store a photo under its name.
pub(super) fn sequence(photo: &[u8], name: &str) -> Result<Vec<u8>, TooLarge> {
    if photo.len() > LARGEST_BYTES {
        return Err(TooLarge);
    }
    let name = base64(exportable(name).as_bytes());
    let head = format!("\x1b]1337;File=name={name};size={};inline=0:", photo.len());
    Ok([head.as_bytes(), base64(photo).as_bytes(), b"\x07"].concat())
}

/// What to do where the terminal stores no files.
pub(super) fn by_hand(ids: &[String]) -> String {
    let short: Vec<&str> = ids.iter().map(|id| id.get(..8).unwrap_or(id)).collect();
    format!("this terminal stores no files; run: cipherlens export --to FOLDER {}", short.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_sent_as_iterm2_documents_it() {
        assert_eq!(
            sequence(b"foobar", "../a.jpg").unwrap(),
            b"\x1b]1337;File=name=YS5qcGc=;size=6;inline=0:Zm9vYmFy\x07"
        );
        assert_eq!(sequence(&vec![0; LARGEST_BYTES + 1], "a.jpg"), Err(TooLarge));
    }

    #[test]
    fn elsewhere_the_line_to_type_names_the_photos() {
        let line = by_hand(&["0123456789abcdef".to_owned()]);
        assert!(line.ends_with("cipherlens export --to FOLDER 01234567"), "{line}");
    }
}
