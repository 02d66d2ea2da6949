//! The rules of the house that a machine can check: arrows between layers point down, every file says what lives
//! in it, files stay small, `unsafe` stays in the named kernels.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms directly below `src/`, lowest layer first. A room may use rooms of lower layers only.
const LAYERS: &[&[&str]] = &[
    &["secret", "durable"],
    &["ckks", "cipher", "features"],
    &["vault"],
    &["remote"],
    &["error"],
    &["services"],
    &["preview"],
    &["cli", "tui"],
    &["main", "lib"],
];

/// Where `unsafe` may stand: the two kernels and the memory map that survives the truncation of its file.
const UNSAFE_ROOMS: &[&str] = &["ckks/scan/", "features/kernel/", "vault/backend/guarded_map.rs"];

/// Words for types that hold secrets. The evaluator and the keyless half of a vault may not even name them.
const SECRET_WORDS: &[&str] = &["SecretContext", "MasterKey", "QuerySecret", "BlockSecret", "crate::secret"];

/// The files besides the evaluator that must get along without keys: both ends of a line, and what lies on a host's disk.
const KEYLESS: &[&str] = &[
    "ckks/evaluator.rs",
    "remote/client/call.rs",
    "remote/client/connection.rs",
    "remote/client/writer.rs",
    "remote/frame.rs",
    "remote/host/mod.rs",
    "remote/host/staging.rs",
    "remote/protocol/lists.rs",
    "remote/protocol/mod.rs",
    "remote/protocol/payload.rs",
    "remote/protocol/reply.rs",
    "remote/protocol/request.rs",
    "vault/backend/blocks.rs",
    "vault/backend/local/directories.rs",
    "vault/backend/local/journal.rs",
    "vault/backend/local/leftovers.rs",
    "vault/backend/local/mod.rs",
    "vault/backend/local/writer.rs",
    "vault/backend/mod.rs",
    "vault/backend/writer.rs",
];

const LONGEST_FILE: usize = 600;

struct Source {
    /// Path below `src/`, with forward slashes.
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    fn walk(directory: &Path, root: &Path, into: &mut Vec<Source>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                into.push(Source { path: relative, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(found.len() > 2, "the walk found no sources below {}", root.display());
    found
}

/// The room a file belongs to: the first component of its path below `src/`.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn layer(room: &str) -> usize {
    LAYERS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("room {room} has no layer: name it in LAYERS"))
}

/// The rooms a source names through `crate::` or, in the binary, `cipherlens::`; comments do not count.
fn rooms_used(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for prefix in ["crate::", "cipherlens::"] {
            for (at, _) in line.match_indices(prefix) {
                let name: String = line[at + prefix.len()..]
                    .chars()
                    .take_while(|character| character.is_ascii_lowercase() || *character == '_')
                    .collect();
                if !name.is_empty() {
                    used.push(name);
                }
            }
        }
    }
    used
}

#[test]
fn arrows_point_down_only() {
    let mut wrong = Vec::new();
    for source in sources() {
        let from = room(&source.path);
        for to in rooms_used(&source.text) {
            if from != to && layer(from) <= layer(&to) {
                wrong.push(format!("src/{}: {from} may not use {to}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point down:\n{}", wrong.join("\n"));
}

#[test]
fn grouped_imports_of_the_crate_are_not_used() {
    // `use crate::{a, b}` would hide arrows from the test above.
    for source in sources() {
        assert!(!source.text.contains("use crate::{"), "src/{}: name one room a `use` line", source.path);
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "src/{} does not open with `//!`", source.path);
    }
}

#[test]
fn files_stay_small() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST_FILE, "src/{} has {lines} lines, more than {LONGEST_FILE}", source.path);
    }
}

#[test]
fn unsafe_stays_in_the_named_rooms() {
    for source in sources() {
        let allowed = UNSAFE_ROOMS.iter().any(|room| source.path.starts_with(room));
        let code = source.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let used = code.clone().any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        assert!(allowed || !used, "src/{} uses unsafe outside {UNSAFE_ROOMS:?}", source.path);
    }
}

#[test]
fn what_works_without_keys_names_no_secret() {
    let guarded = |path: &str| path.starts_with("ckks/scan/") || KEYLESS.contains(&path);
    for source in sources().iter().filter(|source| guarded(&source.path)) {
        for word in SECRET_WORDS {
            assert!(!source.text.contains(word), "src/{} names {word}", source.path);
        }
    }
}
