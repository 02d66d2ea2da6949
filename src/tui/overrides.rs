//! Reads the user's keymap and theme files: TOML sections of strings, with line numbers for warnings.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// One `key = "word"`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Setting {
    /// The name of its `[section]`; empty above the first.
    pub section: String,
    /// The text before the `=`.
    pub key: String,
    /// The text after it, without quotes.
    pub word: String,
    /// Its line, from 1.
    pub line: usize,
}

impl Setting {
    /// Why its section is not one of the file's.
    pub(super) fn misplaced(&self) -> String {
        match self.section.as_str() {
            "" => format!("`{}` is not in a [section]", self.key),
            section => format!("there is no section [{section}]"),
        }
    }
}

/// A problem in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// Reads `text`. Lines that cannot be read are skipped and returned as warnings.
#[must_use]
pub(super) fn read(text: &str) -> (Vec<Setting>, Vec<Warning>) {
    let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut warnings: Vec<Warning> = errors
        .iter()
        .map(|error| Warning {
            line: line_of(error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })
        .collect();
    let mut settings = Vec::new();
    let mut read = |section: &str, key: &Spanned<DeString<'_>>, value: &DeValue<'_>| {
        let line = line_of(key.span().start);
        match value {
            DeValue::String(word) => settings.push(Setting {
                section: section.to_owned(),
                key: key.get_ref().to_string(),
                word: word.to_string(),
                line,
            }),
            _ => warnings.push(Warning { line, what: format!("`{}` needs a word in quotes", key.get_ref()) }),
        }
    };
    for (section, content) in table.get_ref() {
        match content.get_ref() {
            DeValue::Table(content) => {
                content.iter().for_each(|(key, value)| read(section.get_ref(), key, value.get_ref()));
            }
            word => read("", section, word),
        }
    }
    settings.sort_by_key(|setting| setting.line);
    warnings.sort_by_key(|warning| warning.line);
    (settings, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_carry_line_numbers_and_errors_become_warnings() {
        let (settings, warnings) = read("# a comment\n[files]\n\"j\" = \"down\"\nk = 3\n");
        assert_eq!(settings.len(), 1);
        assert_eq!((settings[0].line, settings[0].section.as_str(), settings[0].word.as_str()), (3, "files", "down"));
        assert_eq!(warnings, [Warning { line: 4, what: "`k` needs a word in quotes".to_owned() }]);
    }

    #[test]
    fn what_stands_above_the_sections_is_in_none() {
        let (settings, warnings) = read("base = \"contrast\"\nj = 3\n[theme]\n");
        assert_eq!(settings.len(), 1);
        assert_eq!((settings[0].section.as_str(), settings[0].key.as_str(), settings[0].line), ("", "base", 1));
        assert_eq!(warnings, [Warning { line: 2, what: "`j` needs a word in quotes".to_owned() }]);
    }

    #[test]
    fn a_file_that_is_not_toml_is_reported_with_its_line() {
        let (_, warnings) = read("[files]\n\"j\" = down\n");
        assert_eq!(warnings[0].line, 2, "{warnings:?}");
    }
}
