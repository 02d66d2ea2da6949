//! The text of the project: spelling in documents, code and comments, links and paths in documents, length of lines.
//!
//! Spelling is checked against a list of known misspellings, not against a dictionary of correct words: a name or a
//! term of the field passes, a slip of the finger does not. A word that is right but on the list goes into
//! `.ci/accepted-words.txt`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use typos::tokens::{Identifier, Tokenizer, TokenizerBuilder, Word};
use typos::{Dictionary, Status, Typo};
use walkdir::{DirEntry, WalkDir};

const ACCEPTED_WORDS: &str = ".ci/accepted-words.txt";

/// Extensions of the files whose spelling is checked, and scripts without an extension.
const SPELLED: &[&str] = &["md", "rs", "toml", "sh", "py"];
const SCRIPTS: &[&str] = &[".ci/run", ".ci/long", "justfile"];

/// Extensions of the files whose lines are measured. Tables make lines of Markdown longer.
const MEASURED: &[&str] = &["rs", "toml", "sh"];
const LONGEST_LINE: usize = 120;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Hidden folders other than `.ci`, and build output.
fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_hidden = entry.depth() > 0 && name.starts_with('.') && name != ".ci";
    entry.file_type().is_dir() && (is_hidden || entry.path().join("CACHEDIR.TAG").exists())
}

/// The text files of the project: path below the root, and content.
fn texts(is_wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
    let files = WalkDir::new(root()).sort_by_file_name().into_iter().filter_entry(|entry| !is_skipped(entry));
    let files = files.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let paths = files.map(|entry| entry.path().strip_prefix(root()).unwrap().to_owned());
    paths
        .filter(|path| is_wanted(path))
        .map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| extensions.contains(&extension))
}

/// Known misspellings, less the words that the project accepts.
struct Misspellings {
    accepted: BTreeSet<String>,
}

impl Misspellings {
    fn load() -> Self {
        let list = fs::read_to_string(root().join(ACCEPTED_WORDS)).unwrap();
        let words = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Self { accepted: words.map(str::to_lowercase).collect() }
    }

    fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Typo<'a>> {
        static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| TokenizerBuilder::new().build());
        typos::check_str(text, &TOKENIZER, self)
    }
}

impl Dictionary for Misspellings {
    fn correct_ident(&self, identifier: Identifier<'_>) -> Option<Status<'_>> {
        self.accepted.contains(&identifier.token().to_lowercase()).then_some(Status::Valid)
    }

    fn correct_word(&self, word: Word<'_>) -> Option<Status<'_>> {
        if self.accepted.contains(&word.token().to_lowercase()) {
            return Some(Status::Valid);
        }
        let corrections = typos_dict::WORD.find(&word.token().into())?;
        Some(Status::Corrections(corrections.iter().copied().map(Cow::Borrowed).collect()))
    }
}

#[test]
fn words_are_spelled_correctly() {
    let misspellings = Misspellings::load();
    let mut found = Vec::new();
    let texts = texts(|path| has_extension(path, SPELLED) || SCRIPTS.iter().any(|script| path.starts_with(script)));
    assert!(texts.len() > 100, "the walk found only {} texts below {}", texts.len(), root().display());
    for (path, text) in &texts {
        for typo in misspellings.find(text) {
            let line = text[..typo.byte_offset].lines().count().max(1);
            found.push(format!("{}:{line}: {} ({:?})", path.display(), typo.typo, typo.corrections));
        }
    }
    assert!(found.is_empty(), "correct these, or add them to {ACCEPTED_WORDS}:\n{}", found.join("\n"));
}

#[test]
fn a_misspelling_is_found_and_an_accepted_word_is_not() {
    // In two parts each, so that they are no misspellings in this file.
    let (accepted, refused) = (concat!("rec", "ieve"), concat!("sepe", "rate"));
    let misspellings = Misspellings { accepted: BTreeSet::from([accepted.to_owned()]) };
    let text = format!("{accepted} the {refused}Vector");
    let found: Vec<_> = misspellings.find(&text).map(|typo| typo.typo.into_owned()).collect();
    assert_eq!(found, [refused]);
}

#[test]
fn every_accepted_word_is_needed() {
    let everything = Misspellings { accepted: BTreeSet::new() };
    for word in &Misspellings::load().accepted {
        assert!(everything.find(word).next().is_some(), "{word} needs no line in {ACCEPTED_WORDS}");
    }
}

/// Every Markdown page of the project.
fn pages() -> Vec<(PathBuf, String)> {
    texts(|path| has_extension(path, &["md"]))
}

/// The anchor that a heading gets on the usual hosts: lower case, hyphens for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    heading.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-' || *letter == '_').collect()
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    page.lines().filter(|line| line.starts_with('#')).any(|heading| anchor(heading) == wanted)
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for (path, page) in pages() {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let is_there = match fs::read_to_string(root().join(&target)) {
                Ok(text) => heading.is_empty() || has_anchor(&text, heading),
                Err(_) => heading.is_empty() && root().join(&target).exists(),
            };
            if !is_there {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn paths_in_documents_exist() {
    let folders =
        ["src/", "crates/", "tests/", "docs/", "benches/", "fuzz/", "screenshots/", "data/", "models/", ".ci/"];
    let mut missing = Vec::new();
    for (path, page) in pages().into_iter().filter(|(path, _)| !path.starts_with("crates")) {
        for quoted in page.split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| quoted.starts_with(folder));
            let is_pattern = quoted.contains(['*', ' ', '\n']) || quoted.contains("NAME");
            let is_there = || root().join(quoted).exists() || root().join(format!("{quoted}.rs")).exists();
            if is_path && !is_pattern && !is_there() {
                missing.push(format!("{}: {quoted}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "documents name files that are not there:\n{}", missing.join("\n"));
}

#[test]
fn lines_are_short() {
    let mut long = Vec::new();
    for (path, text) in texts(|path| has_extension(path, MEASURED)) {
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LONGEST_LINE {
                long.push(format!("{}:{}: {columns} columns", path.display(), number + 1));
            }
        }
    }
    assert!(long.is_empty(), "lines of more than {LONGEST_LINE} columns:\n{}", long.join("\n"));
}
