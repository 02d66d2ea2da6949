//! Whether the terminal shows Unicode, by the user's locale.

use std::ffi::OsString;

/// The characters that the terminal shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Characters {
    /// All of Unicode, in UTF-8.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// The characters of the locale, by its variables in POSIX order (Base Definitions, 8.2). If none is set, as in many
/// containers, UTF-8 is assumed: today's terminals show it.
#[must_use]
pub fn characters(variable: impl Fn(&str) -> Option<OsString>) -> Characters {
    let mut set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).filter(|value| !value.is_empty());
    match set.next().map(|value| value.to_string_lossy().to_lowercase()) {
        Some(locale) if !locale.contains("utf-8") && !locale.contains("utf8") => Characters::Ascii,
        _ => Characters::Unicode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let of = |set: &[(&str, &str)]| {
            characters(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
        };
        assert_eq!(of(&[]), Characters::Unicode);
        assert_eq!(of(&[("LANG", "C")]), Characters::Ascii);
        assert_eq!(of(&[("LANG", "de_DE.ISO-8859-1")]), Characters::Ascii);
        assert_eq!(of(&[("LANG", "C.utf8")]), Characters::Unicode);
        assert_eq!(of(&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")]), Characters::Ascii);
        assert_eq!(of(&[("LC_ALL", ""), ("LC_CTYPE", "ja_JP.UTF-8"), ("LANG", "C")]), Characters::Unicode);
    }
}
