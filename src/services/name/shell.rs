//! Shell quoting that makes invisible characters of a path visible and still names the same file.

use std::fmt::Write;
use std::path::Path;

use super::characters::{is_hidden, is_mark};

/// `path` in the `$'...'` quoting of POSIX.1-2024 (bash, zsh, ksh): characters that do not print are written as bytes.
pub(super) fn quoted(path: &Path) -> String {
    let mut word = "$'".to_owned();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_hidden(character) || is_mark(character) {
                write_bytes(&mut word, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                if matches!(character, '\'' | '\\') {
                    word.push('\\');
                }
                word.push(character);
            }
        }
        write_bytes(&mut word, chunk.invalid());
    }
    word.push('\'');
    word
}

fn write_bytes(word: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Three octal digits, so that a digit that follows is not read as one of them. Writing to a string cannot fail.
        let _ = write!(word, "\\{byte:03o}");
    }
}
